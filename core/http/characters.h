// Which bytes may stand where in HTTP (RFC 9110 section 5, RFC 3986): one table, one look-up a
// byte.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"

namespace polyport::http {

enum CharacterClass : std::uint8_t {
  kTokenCharacter = 1 << 0,   // tchar: methods and field names
  kValueCharacter = 1 << 1,   // field values: visible, obs-text, space and tab
  kTargetCharacter = 1 << 2,  // request targets: visible ASCII without "#"
  kHostCharacter = 1 << 3,    // reg-name without "%" and without ",", which lists would hide in
  kHexDigit = 1 << 4,
  kDigit = 1 << 5,
};

namespace detail {
constexpr std::array<std::uint8_t, 256> character_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool visible = c > 0x20 && c < 0x7f;
    const auto in = [c](std::string_view set) {
      return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    unsigned classes = 0;
    if (digit || letter || (c != 0 && in("!#$%&'*+-.^_`|~"))) classes |= kTokenCharacter;
    if (visible || c == ' ' || c == '\t' || c >= 0x80) classes |= kValueCharacter;
    if (visible && c != '#') classes |= kTargetCharacter;
    if (digit || letter || (c != 0 && in("-._~!$&'()*+;="))) classes |= kHostCharacter;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes |= kHexDigit;
    if (digit) classes |= kDigit;
    table[c] = static_cast<std::uint8_t>(classes);
  }
  return table;
}
inline constexpr std::array<std::uint8_t, 256> kCharacterClasses = character_classes();
}  // namespace detail

constexpr bool is(CharacterClass wanted, char character) {
  return (detail::kCharacterClasses[static_cast<unsigned char>(character)] & wanted) != 0;
}

// Whether every byte is of that class; true for no bytes at all.
constexpr bool all(CharacterClass wanted, Bytes bytes) {
  for (const char character : bytes) {
    if (!is(wanted, character)) return false;
  }
  return true;
}

constexpr bool is_token(Bytes bytes) {
  return !bytes.empty() && all(kTokenCharacter, bytes);
}

// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

// Without the spaces and tabs (OWS) at both ends.
constexpr Bytes trim_blanks(Bytes bytes) {
  while (!bytes.empty() && (bytes.front() == ' ' || bytes.front() == '\t'))
    bytes.remove_prefix(1);
  while (!bytes.empty() && (bytes.back() == ' ' || bytes.back() == '\t'))
    bytes.remove_suffix(1);
  return bytes;
}

// Calls `visit` with each element of a comma-separated list, trimmed; empty elements too.
template <class Visit>
constexpr void for_each_element(Bytes list, Visit visit) {
  for (;;) {
    const std::size_t comma = list.find(',');
    visit(trim_blanks(list.substr(0, comma)));
    if (comma == Bytes::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace polyport::http
