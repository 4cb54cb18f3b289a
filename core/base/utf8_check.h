// Utf8Check: whether bytes that come in pieces are UTF-8 (RFC 3629), decided at the first byte that
// cannot be: overlong forms, surrogates and what lies above U+10FFFF are known by their second
// byte. Four bytes of state. For bytes that are there as a whole, core/base/text.h has is_utf8.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace polyport {

class Utf8Check {
 public:
  // Takes the next bytes. False from the first wrong byte on.
  bool feed(Bytes bytes);
  // Whether what has come may end here: no character is half done.
  bool complete() const { return left_ == 0 && !wrong_; }
  void reset() { *this = Utf8Check(); }

 private:
  bool begin_character(std::uint8_t lead);

  std::uint8_t left_ = 0;  // bytes the character still needs
  std::uint8_t low_ = 0;   // the next of them lies between these two
  std::uint8_t high_ = 0;
  bool wrong_ = false;
};

}  // namespace polyport
