// Dates of HTTP (RFC 9110 section 5.6.7): written as IMF-fixdate, read in all three forms.
#pragma once

#include <array>
#include <ctime>
#include <optional>

#include "core/base/bytes.h"

namespace polyport::http {

inline constexpr std::size_t kDateSize = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes kDateSize bytes for `now` (UTC), without a final NUL.
void write_date(std::time_t now, char* out);

// "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" or "Sun Nov  6 08:49:37 1994".
// A two-digit year is the one nearest to now that is not over 50 years ahead.
std::optional<std::time_t> parse_date(Bytes text);

// The Date header's text, made once a second.
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
