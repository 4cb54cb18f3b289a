// One port number as a person writes it, read strictly: decimal, 0 to 65535, nothing around it.
//
// Pure. Where it stands (behind a host, in a range, alone) is its callers' business.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

// Every way to be wrong has its own sentence: a sign, a number that is too large, a zero in front,
// hexadecimal, digits of another script, a word. Errors have no place.
Result<std::uint16_t> parse_port(std::string_view text);

}  // namespace polyport
