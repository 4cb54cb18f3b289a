#include "services/http/now.h"

#include <ctime>

#include "core/http/date.h"

namespace polyport::services::http {
namespace {

constexpr std::int64_t kFrom1900To1970 = 2'208'988'800;

// The names of days and months are those of the "C" locale, which this program never leaves.
std::string formatted(const std::tm& parts, const char* format) {
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::vector<TimeFormat> time_formats(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const std::int64_t ns = duration_cast<nanoseconds>(now.time_since_epoch()).count();
  const std::int64_t ms = ns / 1'000'000;
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  const std::string fraction = "." + std::to_string(1000 + ms % 1000).substr(1);
  char rfc1123[polyport::http::kDateSize];
  polyport::http::write_date(seconds, rfc1123);
  const std::string date = formatted(parts, "%Y-%m-%dT%H:%M:%S");
  const auto number = [](std::string_view name, std::int64_t value) {
    return TimeFormat{name, std::to_string(value), true};
  };
  return {number("unix", ms / 1000),
          number("unix_ms", ms),
          number("unix_us", ns / 1000),
          number("unix_ns", ns),
          {"iso8601", date + fraction + "Z"},
          {"rfc3339", date + "Z"},
          {"rfc1123", std::string(rfc1123, sizeof rfc1123)},
          {"rfc850", formatted(parts, "%A, %d-%b-%y %H:%M:%S GMT")},
          {"rfc5322", formatted(parts, "%a, %d %b %Y %H:%M:%S +0000")},
          {"ctime", formatted(parts, "%a %b %e %H:%M:%S %Y")},
          number("ntp", ms / 1000 + kFrom1900To1970),
          {"timezone", "UTC"}};
}

}  // namespace polyport::services::http
