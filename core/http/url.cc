#include "core/http/url.h"

#include "core/http/characters.h"

namespace polyport::http {

std::string percent_decode(Bytes text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && is(kHexDigit, text[i + 1]) &&
        is(kHexDigit, text[i + 2])) {
      decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' && plus == Plus::kSpace ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string percent_encode(Bytes text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    const char lower = static_cast<char>(character | 0x20);
    const bool plain = (lower >= 'a' && lower <= 'z') || is(kDigit, character) ||
                       character == '-' || character == '.' || character == '_' || character == '~';
    if (plain) {
      encoded += character;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace polyport::http
