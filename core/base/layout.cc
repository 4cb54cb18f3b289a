#include "core/base/layout.h"

#include <algorithm>

#include "core/base/text.h"

namespace polyport {

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t used) {
  std::string out;
  std::size_t at = used;
  for (const std::string_view word : split(text, ' ')) {
    const std::size_t width = columns(word);
    if (at > indent && at + 1 + width > kTerminalColumns) {
      out += "\n" + std::string(indent, ' ');
      at = indent;
    } else if (at > indent) {
      out += ' ';
      ++at;
    }
    out += word;
    at += width;
  }
  return out;
}

std::string labelled_line(std::string_view label, std::string_view text, std::size_t column) {
  std::string line = "  " + std::string(label);
  line.resize(std::max(column, line.size() + 1), ' ');
  return line + wrapped(text, column, line.size()) + "\n";
}

std::string hanging(std::string_view label, std::string_view text, std::size_t column) {
  if (text.empty()) return "";
  std::string line(label);
  const std::size_t used = columns(label);
  if (used + 2 > column && !label.empty()) {
    line += ' ';  // and one more before the first word
  } else {
    line.append(column - used, ' ');
  }
  return line + wrapped(text, column, columns(line)) + "\n";
}

std::string paragraph(std::string_view text, std::size_t indent) {
  return hanging("", text, indent);
}

}  // namespace polyport
