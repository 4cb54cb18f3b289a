#include "core/observe/log_line.h"

#include <array>
#include <cstdio>
#include <utility>

#include "core/base/json_writer.h"
#include "core/base/text.h"

namespace polyport {
namespace {

// What each form tells between the event and the message.
template <class Field>
void tell_where(const LogLine& line, std::string_view worker, Field field) {
  field("worker", worker);
  field("service", line.service);
  field("listener", line.listener);
  field("conn", line.conn);
  field("peer", line.peer);
  field("reason", line.reason);
}

std::string json_line(LogLevel level, const LogLine& line, const timespec& now,
                      std::string_view worker) {
  std::tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> date{};
  std::array<char, 48> stamp{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(stamp.data(), stamp.size(), "%s.%03ldZ", date.data(), now.tv_nsec / 1'000'000);

  std::string out;
  JsonWriter json(out);
  const auto field = [&json](std::string_view name, std::string_view value) {
    if (!value.empty()) json.field(name, value.substr(0, kMaxLogFieldBytes));
  };
  json.begin_object();
  field("ts", stamp.data());
  field("level", name(level));
  field("event", line.event);
  tell_where(line, worker, field);
  field("msg", line.message);
  json.end_object();
  out += '\n';
  return out;
}

// A value of the text form; in quotes where a space or a quote would make it two.
std::string shown(std::string_view value) {
  const bool plain = value.find_first_of(" \"=") == std::string_view::npos;
  return plain ? printable(value, kMaxLogFieldBytes) : quoted(value, kMaxLogFieldBytes);
}

std::string text_line(LogLevel level, const LogLine& line, const timespec& now,
                      std::string_view worker) {
  std::tm local{};
  localtime_r(&now.tv_sec, &local);
  std::array<char, 16> clock{};
  std::array<char, 48> start{};
  std::strftime(clock.data(), clock.size(), "%H:%M:%S", &local);
  std::snprintf(start.data(), start.size(), "%s.%03ld %-5s ", clock.data(), now.tv_nsec / 1'000'000,
                std::string(name(level)).c_str());

  std::string out = start.data() + printable(line.event, kMaxLogFieldBytes);
  std::string_view before = "  ";
  const auto field = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out.append(before).append(name).append("=").append(shown(value));
    before = " ";
  };
  tell_where(line, worker, field);
  if (!line.message.empty()) out += "  " + printable(line.message, kMaxLogFieldBytes);
  out += '\n';
  return out;
}

}  // namespace

std::string_view name(LogLevel level) {
  constexpr std::array<std::string_view, 6> kNames = {"trace", "debug", "info",
                                                      "warn",  "error", "off"};
  return kNames[static_cast<std::size_t>(level)];
}

std::string format_log_line(Log::Format format, LogLevel level, const LogLine& line,
                            const timespec& now, std::string_view worker) {
  return format == Log::Format::kJson ? json_line(level, line, now, worker)
                                      : text_line(level, line, now, worker);
}

}  // namespace polyport
