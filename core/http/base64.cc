#include "core/http/base64.h"

#include <cstdint>

namespace polyport::http {
namespace {

std::string encoded(Bytes bytes, char digit62, char digit63) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = at; i < at + 3; ++i)
      group = group << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u);
    const std::size_t digits = bytes.size() - at >= 3 ? 4 : bytes.size() - at + 1;
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t digit = group >> (18 - 6 * i) & 63;
      text += i >= digits ? '=' : digit == 62 ? digit62 : digit == 63 ? digit63 : kDigits[digit];
    }
  }
  return text;
}

int value_of(char digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  if (digit == '+' || digit == '-') return 62;
  return digit == '/' || digit == '_' ? 63 : -1;
}

}  // namespace

std::string base64(Bytes bytes) {
  return encoded(bytes, '+', '/');
}

std::string base64_url(Bytes bytes) {
  return encoded(bytes, '-', '_');
}

std::optional<std::string> decode_base64(Bytes text) {
  std::size_t digits = text.size();
  while (digits > 0 && text[digits - 1] == '=')
    --digits;
  const std::size_t padding = text.size() - digits;
  const std::size_t last = digits % 4;  // digits of the last group, 0 for a whole one
  if (last == 1 || (padding > 0 && (last == 0 || padding != 4 - last))) return std::nullopt;
  std::string bytes;
  bytes.reserve(digits / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char digit : text.substr(0, digits)) {
    const int value = value_of(digit);
    if (value < 0) return std::nullopt;
    group = (group << 6 | static_cast<std::uint32_t>(value)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xff);
  }
  return bytes;
}

}  // namespace polyport::http
