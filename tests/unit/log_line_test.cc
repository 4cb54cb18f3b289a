// One log line, as people and as machines read it.
#include "core/observe/log_line.h"

#include <cstdlib>
#include <string>

#include "tests/support/catch.h"

using polyport::format_log_line;
using polyport::Log;
using polyport::LogLevel;

namespace {

constexpr timespec kMoment{1753521243, 7'900'000};  // 2025-07-26T09:14:03.007Z

// The text form begins with the local time, which is the machine's own.
std::string text(LogLevel level, const polyport::LogLine& line) {
  const std::string all = format_log_line(Log::Format::kText, level, line, kMoment);
  REQUIRE(all.size() > 13);
  CHECK(all.substr(5, 8) == ":03.007 ");
  return all.substr(13);
}

}  // namespace

TEST_CASE("a JSON line has its fields in order and leaves empty ones out") {
  CHECK(format_log_line(Log::Format::kJson, LogLevel::kInfo,
                        {"closed", "bye", "web", "web.main.0", "w0-1-2", "127.0.0.1:9", "drain"},
                        kMoment) ==
        R"({"ts":"2025-07-26T09:14:03.007Z","level":"info","event":"closed","service":"web",)"
        R"("listener":"web.main.0","conn":"w0-1-2","peer":"127.0.0.1:9","reason":"drain",)"
        "\"msg\":\"bye\"}\n");
  CHECK(format_log_line(Log::Format::kJson, LogLevel::kError, {"stopped"}, kMoment) ==
        "{\"ts\":\"2025-07-26T09:14:03.007Z\",\"level\":\"error\",\"event\":\"stopped\"}\n");
}

TEST_CASE("a text line reads from left to right") {
  CHECK(text(LogLevel::kInfo, {"listener_ready", "on 127.0.0.1:8080", "web", "web.main.0"}) ==
        "info  listener_ready  service=web listener=web.main.0  on 127.0.0.1:8080\n");
  CHECK(text(LogLevel::kWarn, {"stopped"}) == "warn  stopped\n");
}

TEST_CASE("bytes from outside cannot make a second line or reach the terminal") {
  const std::string line =
      text(LogLevel::kWarn, {"bad_request", "GET \x1b[2J\r\n\xff", {}, {}, {}, {}, "a b=\"c\""});
  CHECK(line == "warn  bad_request  reason=\"a b=\\\"c\\\"\"  GET \\x1b[2J\\r\\n\\xff\n");

  const std::string json =
      format_log_line(Log::Format::kJson, LogLevel::kWarn, {"bad_request", "\x1b\n\xff"}, kMoment);
  CHECK(json.find("\"msg\":\"\\u001b\\n\xef\xbf\xbd\"}\n") != std::string::npos);
}

TEST_CASE("a field is cut before it fills the disk") {
  const std::string huge(1'000'000, 'x');
  CHECK(text(LogLevel::kInfo, {"a", huge, huge}).size() < 2 * polyport::kMaxLogFieldBytes + 100);
  CHECK(format_log_line(Log::Format::kJson, LogLevel::kInfo, {"a", huge}, kMoment).size() <
        polyport::kMaxLogFieldBytes + 100);
}
