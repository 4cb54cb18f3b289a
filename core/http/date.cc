#include "core/http/date.h"

#include <cstring>

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

}  // namespace

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
