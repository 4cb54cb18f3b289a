// Layout: words into lines for a terminal of 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace polyport {

inline constexpr std::size_t kTerminalColumns = 80;

// How many columns a UTF-8 text takes, each character one.
std::size_t columns(std::string_view text);

// The words of `text`, broken at spaces where a line would pass 80 columns, each line after the
// first indented. `used`: what stands in the first line already. A word is never broken.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t used);

// "  label  text": the text wrapped in a column of its own that begins at `column`. With its line
// feed.
std::string labelled_line(std::string_view label, std::string_view text, std::size_t column);

// The same without an indent before the label, which gets two spaces behind it where it reaches the
// column; nothing for an empty text.
std::string hanging(std::string_view label, std::string_view text, std::size_t column);
// And without a label.
std::string paragraph(std::string_view text, std::size_t indent = 0);

}  // namespace polyport
