// DateCache: the Date header's text (IMF-fixdate, RFC 9110 section 5.6.7), made once a second.
#pragma once

#include <array>
#include <ctime>

#include "core/base/bytes.h"

namespace polyport::http {

inline constexpr std::size_t kDateSize = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes kDateSize bytes for `now` (UTC), without a final NUL.
void write_date(std::time_t now, char* out);

class DateCache {
 public:
  // The text for `now`; the view is good until the next call.
  Bytes at(std::time_t now) {
    if (now != second_) {
      write_date(now, text_.data());
      second_ = now;
    }
    return {text_.data(), text_.size()};
  }

 private:
  std::time_t second_ = -1;
  std::array<char, kDateSize> text_{};
};

}  // namespace polyport::http
