#include "app/commands/ports/columns.h"

#include <algorithm>
#include <numeric>

#include "core/base/layout.h"

namespace polyport {
namespace {

constexpr std::string_view kIndent = "  ";
constexpr std::string_view kGap = "  ";
constexpr std::string_view kCut = "..";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kNormal = "\x1b[0m";

std::vector<std::size_t> natural_widths(const std::vector<Column>& heads,
                                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const Column& head : heads)
    widths.push_back(columns(head.head));
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], columns(row[i]));
  }
  return widths;
}

void shrink(std::vector<std::size_t>& widths, const std::vector<Column>& heads, std::size_t width) {
  const std::size_t around = kIndent.size() + kGap.size() * (widths.size() - 1);
  std::size_t total = std::accumulate(widths.begin(), widths.end(), around);
  while (total > width) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] <= heads[i].least) continue;
      if (widest == widths.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == widths.size()) return;  // too narrow a terminal for anything
    --widths[widest];
    --total;
  }
}

// The text, cut or filled to the width.
std::string fitted(std::string_view text, std::size_t width) {
  const std::size_t taken = columns(text);
  if (taken <= width) return std::string(text) + std::string(width - taken, ' ');
  std::size_t at = 0;
  for (std::size_t kept = 0; at < text.size(); ++at) {
    const bool begins = (text[at] & 0xC0) != 0x80;
    if (begins && ++kept + kCut.size() > width) break;
  }
  return std::string(text.substr(0, at)) + std::string(kCut);
}

}  // namespace

std::string column_lines(const std::vector<Column>& heads,
                         const std::vector<std::vector<std::string>>& rows, std::size_t width,
                         Paint paint) {
  std::vector<std::size_t> widths = natural_widths(heads, rows);
  if (width != 0) shrink(widths, heads, width);
  std::string out;
  const auto add = [&](const auto& text_of, std::string_view before, std::string_view after) {
    std::string line(kIndent);
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (i != 0) line += kGap;
      line += fitted(text_of(i), widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.append(before).append(line).append(after).append("\n");
  };
  const bool colour = paint == Paint::kColour;
  add([&](std::size_t i) -> const std::string& { return heads[i].head; }, colour ? kDim : "",
      colour ? kNormal : "");
  for (const std::vector<std::string>& row : rows)
    add([&](std::size_t i) -> const std::string& { return row[i]; }, "", "");
  return out;
}

}  // namespace polyport
