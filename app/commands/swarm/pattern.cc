#include "app/commands/swarm/pattern.h"

#include <algorithm>

namespace polyport::swarm {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static_assert(kAlphabet.size() == 64);

constexpr std::uint64_t kBytesOfWord = 8;

// Visits the bytes of the sequence from `offset` on; ends after `count`, or where visit says false.
template <class Visit>
void for_each_byte(std::uint64_t key, std::uint64_t offset, std::size_t count, Visit visit) {
  std::size_t at = 0;
  while (at < count) {
    const std::uint64_t word = mix(key, (offset + at) / kBytesOfWord);
    for (std::uint64_t i = (offset + at) % kBytesOfWord; i < kBytesOfWord && at < count; ++i) {
      if (!visit(at++, kAlphabet[(word >> (8 * i)) & 63])) return;
    }
  }
}

}  // namespace

// The output function of splitmix64, as published by Sebastiano Vigna.
std::uint64_t mix(std::uint64_t key, std::uint64_t number) {
  std::uint64_t z = key + (number + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

void append_pattern(std::string& out, std::uint64_t key, std::uint64_t offset, std::size_t count) {
  const std::size_t before = out.size();
  out.resize(before + count);
  for_each_byte(key, offset, count, [&](std::size_t at, char byte) {
    out[before + at] = byte;
    return true;
  });
}

std::size_t first_difference(Bytes bytes, std::uint64_t key, std::uint64_t offset) {
  std::size_t same = bytes.size();
  for_each_byte(key, offset, bytes.size(), [&](std::size_t at, char byte) {
    if (bytes[at] != byte) same = at;
    return bytes[at] == byte;
  });
  return same;
}

}  // namespace polyport::swarm
