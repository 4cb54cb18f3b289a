// The layout of hexdump -C, which people know: offset, two groups of eight, the text at the side.
#include "app/commands/connect/hex_dump.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

namespace polyport {
namespace {

constexpr std::size_t kWidth = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

void HexDump::add(Bytes bytes, std::string& out) {
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), kWidth - line_.size());
    line_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (line_.size() == kWidth) flush(out);
  }
}

void HexDump::flush(std::string& out) {
  if (line_.empty()) return;
  std::array<char, 24> offset{};
  std::snprintf(offset.data(), offset.size(), "%08" PRIx64 " ", offset_);
  out += offset.data();
  for (std::size_t i = 0; i < kWidth; ++i) {
    if (i % 8 == 0) out += ' ';
    if (i >= line_.size()) {
      out += "   ";
      continue;
    }
    const auto byte = static_cast<unsigned char>(line_[i]);
    out += {kDigits[byte >> 4], kDigits[byte & 15], ' '};
  }
  out += " |";
  for (const char letter : line_)
    out += letter >= ' ' && letter <= '~' ? letter : '.';
  out += "|\n";
  offset_ += line_.size();
  line_.clear();
}

}  // namespace polyport
