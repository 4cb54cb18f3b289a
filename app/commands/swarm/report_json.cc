// A swarm's report as JSON, and reading an earlier one.
//
// Times are whole microseconds. The buckets of a histogram are [highest nanosecond, count] pairs,
// so that reports can be added up by others.
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>

#include "app/commands/swarm/report.h"
#include "app/figures.h"
#include "core/base/histogram_json.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {

constexpr std::uint64_t kMostReportBytes = 16 * 1024 * 1024;

struct Percentile {
  const char* key;
  double percent;
};
constexpr std::array<Percentile, 4> kPercentiles = {
    {{"p50_us", 50}, {"p90_us", 90}, {"p99_us", 99}, {"p99_9_us", 99.9}}};

std::uint64_t us(std::uint64_t nanoseconds) {
  return (nanoseconds + 500) / 1000;
}

void write_times(JsonWriter& json, std::string_view key, const Histogram& times) {
  json.key(key);
  json.begin_object();
  json.field("count", times.count());
  for (const Percentile& row : kPercentiles)
    json.field(row.key, us(times.percentile(row.percent)));
  json.field("most_us", us(times.largest()));
  json.field("mean_us", us(static_cast<std::uint64_t>(times.mean())));
  json.key("buckets_ns");
  write_histogram(json, times);
  json.end_object();
}

void write_counts(JsonWriter& json, std::string_view key,
                  const std::map<std::string, std::uint64_t>& counts) {
  json.key(key);
  json.begin_object();
  for (const auto& [reason, count] : counts)
    json.field(reason, count);
  json.end_object();
}

void write_asked(JsonWriter& json, const Plan& plan) {
  json.key("targets");
  json.begin_array();
  for (const auto& target : plan.targets)
    json.value(target->url);
  json.end_array();
  json.key("notes");
  json.begin_array();
  for (const std::string& note : plan.notes)
    json.value(note);
  json.end_array();
  json.field("size_bytes", plan.options.size());
  json.field("rate", static_cast<std::uint64_t>(plan.rate));
  json.field("scheduled", plan.scheduled);
  json.field("hold_ms", plan.options.hold.count());
}

void write_sockets(JsonWriter& json, const Tally& tally) {
  json.key("sockets");
  json.begin_object();
  json.field("wanted", tally.wanted);
  json.field("established", tally.established);
  json.field("most_open", tally.most_open);
  write_counts(json, "refused", tally.refused);
  json.field("reset", tally.reset);
  write_counts(json, "closed_early", tally.closed);
  json.field("wrong", tally.wrong);
  json.field("reopened", tally.reopened);
  json.field("opening_us", us(static_cast<std::uint64_t>(tally.opening_ns)));
  json.end_object();
}

void write_messages(JsonWriter& json, const Tally& tally) {
  json.key("messages");
  json.begin_object();
  json.field("due", tally.due);
  json.field("sent", tally.sent);
  json.field("answered", tally.answered);
  json.field("unanswered", tally.unanswered);
  json.field("unsent", tally.unsent);
  json.field("lost_on_purpose", tally.dropped);
  json.field("doubled", tally.doubled);
  json.field("under_way", tally.open_ended);
  json.field("bytes_sent", tally.bytes_sent);
  json.field("bytes_verified", tally.bytes_verified);
  json.field("sending_us", us(static_cast<std::uint64_t>(tally.sending_ns)));
  json.end_object();
}

void write_own(JsonWriter& json, const Report& report) {
  json.key("itself");
  json.begin_object();
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();  // null
  json.field("opening_cpu_share", report.own.opening_share.value_or(kUnknown));
  json.field("sending_cpu_share", report.own.sending_share.value_or(kUnknown));
  json.field("loop_late_p99_us", us(report.own.lag.percentile(99)));
  json.field("loop_late_most_us", us(report.own.lag.largest()));
  json.field("was_the_limit", !report.own_limit().empty());
  json.field("why", report.own_limit());
  json.end_object();
}

// One figure that two reports share: where it stands, and what one more of it means.
struct Row {
  const char* name;
  std::array<const char*, 3> path;  // the last ones may be null
  bool is_time;
};
constexpr Row kRows[] = {
    {"established", {"sockets", "established", nullptr}, false},
    {"answered", {"messages", "answered", nullptr}, false},
    {"connect p50", {"times", "connect", "p50_us"}, true},
    {"connect p99", {"times", "connect", "p99_us"}, true},
    {"handshake p50", {"times", "handshake", "p50_us"}, true},
    {"handshake p99", {"times", "handshake", "p99_us"}, true},
    {"first byte p50", {"times", "first_byte", "p50_us"}, true},
    {"first byte p99", {"times", "first_byte", "p99_us"}, true},
    {"answer p50", {"times", "answer", "p50_us"}, true},
    {"answer p99", {"times", "answer", "p99_us"}, true},
    {"answer p99.9", {"times", "answer", "p99_9_us"}, true},
};

std::optional<std::uint64_t> figure(const JsonValue& report, const Row& row) {
  const JsonValue* value = &report;
  for (const char* key : row.path) {
    if (key != nullptr && value != nullptr) value = value->find(key);
  }
  const auto number = value == nullptr ? std::nullopt : value->integer();
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

std::string report_json(const Report& report) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("schema", 1);
  json.field("command", "swarm");
  write_asked(json, report.plan);
  write_sockets(json, report.tally);
  write_messages(json, report.tally);
  json.key("times");
  json.begin_object();
  write_times(json, "connect", report.tally.connect);
  write_times(json, "handshake", report.tally.handshake);
  write_times(json, "first_byte", report.tally.first_byte);
  write_times(json, "answer", report.tally.answer);
  write_times(json, "late", report.tally.late);
  json.end_object();
  write_own(json, report);
  json.key("examples");
  json.begin_array();
  for (const std::string& example : report.tally.examples)
    json.value(example);
  json.end_array();
  json.field("interrupted", report.tally.interrupted);
  json.field("lost", report.lost());
  json.end_object();
  return text + "\n";
}

Result<JsonValue> read_report(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  for (char c; text.size() <= kMostReportBytes && file.get(c);)
    text.push_back(c);
  auto report = JsonValue::parse(text);
  if (!report || report->text_of("command") != "swarm") {
    return failure(ErrorCode::kBadValue, "no report of a swarm can be read there",
                   "--compare " + printable(path, 200), "polyport swarm --json URL > FILE");
  }
  return *std::move(report);
}

std::string comparison_text(const Report& report, const JsonValue& earlier) {
  const auto now = JsonValue::parse(report_json(report));
  std::string text = "\n                      before        now   now/before\n";
  for (const Row& row : kRows) {
    const auto before = figure(earlier, row);
    const auto after = figure(*now, row);
    if (!before || !after || (*before == 0 && *after == 0)) continue;
    const auto word = [&row](std::uint64_t value) {
      return row.is_time ? time_text(value * 1000) : grouped(value);
    };
    const double ratio =
        static_cast<double>(*after) / static_cast<double>(std::max<std::uint64_t>(*before, 1));
    char line[120];
    std::snprintf(line, sizeof line, "  %-15s %11s %11s %10.2f\n", row.name, word(*before).c_str(),
                  word(*after).c_str(), ratio);
    text += line;
  }
  return text;
}

}  // namespace polyport::swarm
