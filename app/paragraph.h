// Paragraph: sentences as lines of 80 columns, for commands that explain.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace polyport {

inline constexpr std::size_t kPageWidth = 80;

// `text` beside its label, from `column` on, further lines below its first; words longer than a
// line are not broken. A label that reaches the column gets two spaces. Ends with a line feed;
// nothing for an empty text. Widths are counted in bytes: for texts in ASCII.
std::string hanging(std::string_view label, std::string_view text, std::size_t column,
                    std::size_t width = kPageWidth);

// The same without a label.
std::string paragraph(std::string_view text, std::size_t indent = 0);

}  // namespace polyport
