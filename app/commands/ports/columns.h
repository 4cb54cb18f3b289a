// Columns: rows of short texts as aligned lines, as wide as they are or cut to fit a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "app/table.h"

namespace polyport {

struct Column {
  std::string head;
  // Where the lines are too long the widest columns give way first, none below this.
  std::size_t least = 4;
};

// One line for the heads, then one a row, each ending in a line feed. `width` 0: as wide as needed.
// Texts must be fit for a terminal; a cut one ends in "..".
std::string column_lines(const std::vector<Column>& columns,
                         const std::vector<std::vector<std::string>>& rows, std::size_t width,
                         Paint paint);

}  // namespace polyport
