// What is said of a value that is not what its option row asks for. Pure: a node and a row to text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/settings/document.h"
#include "core/settings/option.h"

namespace polyport {

// "a, b or c".
std::string alternatives(std::span<const std::string_view> list);

// What the row asks for: "a size like "64KiB"".
std::string expected(const OptionSpec& row);

// What the node has instead, "the integer 5"; of a secret not its value.
std::string got(const Node& node, const OptionSpec& row);

// What to write instead of a value of the wrong kind; empty where that cannot be told.
std::string remedy(const Node& node, const OptionSpec& row);

// A number or a boolean as it was written.
std::string number_text(const Node& node);

}  // namespace polyport
