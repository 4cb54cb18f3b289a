// The TOML reader: a text to a tree of nodes, or the one syntax error at which the parser stopped.
//
// The only file that sees the TOML library. It bounds what it is given, because the library's
// recursion follows the nesting of the text.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/result.h"
#include "core/settings/document.h"

namespace polyport {

inline constexpr std::size_t kMaxConfigBytes = 1024 * 1024;

struct TomlError {
  Place place;
  Error error;
};

// TOML 1.0. Tables and their keys come in the order of the text.
tl::expected<Node, TomlError> read_toml(std::string_view text);

}  // namespace polyport
