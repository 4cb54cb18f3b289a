#include "app/paragraph.h"

#include <algorithm>

namespace polyport {

std::string hanging(std::string_view label, std::string_view text, std::size_t column,
                    std::size_t width) {
  if (text.empty()) return "";
  std::string result;
  std::string line(label);
  line.append(
      std::max<std::size_t>(line.size() < column ? column - line.size() : 0, label.empty() ? 0 : 2),
      ' ');
  bool empty = true;  // no word on this line yet
  while (!text.empty()) {
    const std::size_t size = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (!empty && line.size() + 1 + word.size() > width) {
      result += line + "\n";
      line.assign(column, ' ');
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  return result + line + "\n";
}

std::string paragraph(std::string_view text, std::size_t indent) {
  return hanging("", text, indent);
}

}  // namespace polyport
