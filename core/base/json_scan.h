// What reading and writing JSON strings have in common: most of their bytes stand for themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/bytes.h"

namespace polyport {

// Where, from `at` on, the first byte stands that does not stand for itself in a JSON string: a
// quotation mark, a backslash, a control byte, or one beyond ASCII. The size where there is none.
inline std::size_t end_of_plain_json(Bytes text, std::size_t at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kTops = 0x80 * kOnes;
  // In the top bit of each byte: whether that byte of `word` is less than `limit` (at most 0x80).
  // A byte above one that is may be wrong, and is looked at singly.
  const auto any_below = [](std::uint64_t word, std::uint64_t limit) {
    return (word - kOnes * limit) & ~word;
  };
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t special = word | any_below(word, 0x20) | any_below(word ^ kOnes * '"', 1) |
                                  any_below(word ^ kOnes * '\\', 1);
    if ((special & kTops) != 0) break;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
  }
  return at;
}

}  // namespace polyport
