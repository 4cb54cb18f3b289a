// The TOML scan: a look over a text for what the TOML library must not be shown.
//
// The library frees nested tables by recursion, and a dotted key makes one table a dot; version 3.3
// has undefined behaviour on characters beyond ASCII where white space may stand (found by our fuzz
// target). Both are errors in any configuration, so they are refused first, with better words. The
// scan knows strings and comments, and nothing more of TOML.
#pragma once

#include <optional>
#include <string_view>

#include "core/settings/toml_reader.h"

namespace polyport {

std::optional<TomlError> scan_toml(std::string_view text);

}  // namespace polyport
