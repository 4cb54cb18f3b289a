#include "core/http/date.h"

#include <cstring>

#include "core/base/text.h"

namespace polyport::http {
namespace {

// Not strftime: its names of days and months follow the locale.
constexpr char kDays[] = "SunMonTueWedThuFriSat";
constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

char* put_two(char* out, int number) {
  *out++ = static_cast<char>('0' + number / 10 % 10);
  *out++ = static_cast<char>('0' + number % 10);
  return out;
}

char* put(char* out, const char* text, std::size_t size) {
  std::memcpy(out, text, size);
  return out + size;
}

// One of the three-letter names in `names`, from 0, or -1.
int index_of(Bytes name, Bytes names) {
  for (std::size_t at = 0; at < names.size(); at += 3) {
    if (name == names.substr(at, 3)) return static_cast<int>(at / 3);
  }
  return -1;
}

// Reads a date by its shape: in `shape` a letter stands for a part (d day, m month's name, y year,
// H M S, w the name of a day, z the zone), all else for itself.
class DateReader {
 public:
  explicit DateReader(Bytes text) : text_(text) {}

  bool read(Bytes shape) {
    for (std::size_t at = 0; at < shape.size();) {
      const std::size_t run = std::min(shape.find_first_not_of(shape[at], at), shape.size()) - at;
      if (!read_part(shape[at], run)) return false;
      at += run;
    }
    return text_.empty();
  }
  std::optional<std::time_t> time() {
    const bool sound = parts_.tm_mon >= 0 && parts_.tm_mday >= 1 && parts_.tm_mday <= 31 &&
                       parts_.tm_hour < 24 && parts_.tm_min < 60 && parts_.tm_sec <= 60;
    if (!sound) return std::nullopt;
    if (two_digit_year_) {
      std::tm today{};
      const std::time_t now = std::time(nullptr);
      gmtime_r(&now, &today);
      parts_.tm_year += today.tm_year / 100 * 100;
      if (parts_.tm_year > today.tm_year + 50) parts_.tm_year -= 100;
    }
    const int day = parts_.tm_mday;
    const std::time_t time = timegm(&parts_);  // makes 31 February a day in March
    if (parts_.tm_mday != day) return std::nullopt;
    return time;
  }

 private:
  bool read_part(char part, std::size_t size) {
    switch (part) {
      case 'w':
        return read_day_name();
      case 'm':
        parts_.tm_mon = index_of(text_.substr(0, 3), Bytes(kMonths));
        text_.remove_prefix(std::min<std::size_t>(3, text_.size()));
        return parts_.tm_mon >= 0;
      case 'y':
        two_digit_year_ = size == 2;
        if (!read_number(size, parts_.tm_year)) return false;
        if (!two_digit_year_) parts_.tm_year -= 1900;
        return true;
      case 'd':
        return read_number(size, parts_.tm_mday);
      case 'H':
        return read_number(size, parts_.tm_hour);
      case 'M':
        return read_number(size, parts_.tm_min);
      case 'S':
        return read_number(size, parts_.tm_sec);
      case 'z':
        if (!text_.starts_with("GMT")) return false;
        text_.remove_prefix(3);
        return true;
      default:
        break;
    }
    if (text_.substr(0, size) != std::string(size, part)) return false;
    text_.remove_prefix(size);
    return true;
  }
  bool read_number(std::size_t size, int& into) {
    Bytes digits = text_.substr(0, size);
    if (digits.size() != size) return false;
    text_.remove_prefix(size);
    if (size == 2 && digits[0] == ' ') digits.remove_prefix(1);  // asctime's day
    const auto number = parse_number<int>(digits, 0);
    if (!number) return false;
    into = *number;
    return true;
  }
  // "Sun" or "Sunday": the name is that of the date, or it does not matter.
  bool read_day_name() {
    const std::size_t end = std::min(text_.find_first_of(", "), text_.size());
    const bool known = end >= 3 && end <= 9 && index_of(text_.substr(0, 3), Bytes(kDays)) >= 0;
    text_.remove_prefix(end);
    return known;
  }

  Bytes text_;
  std::tm parts_{};
  bool two_digit_year_ = false;
};

}  // namespace

std::optional<std::time_t> parse_date(Bytes text) {
  for (const Bytes shape :
       {"w, dd m yyyy HH:MM:SS z", "w, dd-m-yy HH:MM:SS z", "w m dd HH:MM:SS yyyy"}) {
    DateReader reader(text);
    if (reader.read(shape)) return reader.time();
  }
  return std::nullopt;
}

void write_date(std::time_t now, char* out) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  out = put(out, kDays + 3 * parts.tm_wday, 3);
  out = put(out, ", ", 2);
  out = put_two(out, parts.tm_mday);
  *out++ = ' ';
  out = put(out, kMonths + 3 * parts.tm_mon, 3);
  *out++ = ' ';
  out = put_two(out, (parts.tm_year + 1900) / 100);
  out = put_two(out, parts.tm_year + 1900);
  *out++ = ' ';
  out = put_two(out, parts.tm_hour);
  *out++ = ':';
  out = put_two(out, parts.tm_min);
  *out++ = ':';
  out = put_two(out, parts.tm_sec);
  put(out, " GMT", 4);
}

}  // namespace polyport::http
