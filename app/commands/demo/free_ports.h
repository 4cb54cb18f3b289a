// Numbers that nobody has, so that what is shown with them is not a stranger's doing.
#pragma once

#include <optional>

#include "app/commands/demo/lab.h"

namespace polyport::demo {

// Free for TCP and UDP on every address of this machine a moment ago. 0 where none was found.
std::uint16_t free_number(Lab& lab);

// So many in a row from the range that is lent to clients, free for TCP on every IPv4 address; the
// last ones that are.
std::optional<PortBlock> free_block(Lab& lab, int size);

}  // namespace polyport::demo
