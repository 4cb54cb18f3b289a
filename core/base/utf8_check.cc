#include "core/base/utf8_check.h"

#include <cstring>

namespace polyport {

namespace {

// How many bytes at the start are ASCII, counted eight at a time; the rest of the last eight is
// not looked at.
std::size_t ascii_prefix(Bytes bytes) {
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  return at;
}

}  // namespace

bool Utf8Check::feed(Bytes bytes) {
  if (wrong_) return false;
  while (!bytes.empty()) {
    if (left_ == 0) {
      bytes.remove_prefix(ascii_prefix(bytes));
      if (bytes.empty()) break;
    }
    const auto byte = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (left_ == 0) {
      if (byte >= 0x80 && !begin_character(byte)) return false;
      continue;
    }
    if (byte < low_ || byte > high_) {
      wrong_ = true;
      return false;
    }
    --left_;
    low_ = 0x80;
    high_ = 0xbf;
  }
  return true;
}

// RFC 3629 section 4: the first byte says how many follow and where the second one must lie.
bool Utf8Check::begin_character(std::uint8_t lead) {
  low_ = 0x80;
  high_ = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    left_ = 1;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    left_ = 2;
    if (lead == 0xe0) low_ = 0xa0;   // below: overlong
    if (lead == 0xed) high_ = 0x9f;  // above: surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    left_ = 3;
    if (lead == 0xf0) low_ = 0x90;   // below: overlong
    if (lead == 0xf4) high_ = 0x8f;  // above: no code point
  } else {
    wrong_ = true;
  }
  return !wrong_;
}

}  // namespace polyport
