// Numbers that nobody has, so that what is shown with them is not a stranger's doing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "app/commands/demo/lab.h"

namespace polyport::demo {

// Free for TCP and UDP on every address of this machine a moment ago. 0 where none was found.
std::uint16_t free_number(Lab& lab);

// So many numbers of the range that is lent to clients, free for TCP on every IPv4 address: the
// highest ones that are, in ascending order. Fewer where there are not so many.
std::vector<std::uint16_t> free_numbers(Lab& lab, std::size_t count);

}  // namespace polyport::demo
