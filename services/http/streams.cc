// Answers that come piece by piece: lines, events, drops.
#include <algorithm>
#include <cstdio>

#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/groups.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;
using namespace std::chrono_literals;

std::string milliseconds_text(std::chrono::nanoseconds time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.2f", std::chrono::duration<double, std::milli>(time).count());
  return text;
}

// The Server-Timing of a paced answer (W3C Server Timing).
std::string server_timing(const PacedTask::Plan& plan) {
  const auto entry = [](std::string_view name, std::chrono::nanoseconds time,
                        std::string_view what) {
    return std::string(name) + ";dur=" + milliseconds_text(time) + ";desc=\"" + std::string(what) +
           "\"";
  };
  return entry("total_duration", plan.delay + plan.duration, "total request duration") + ", " +
         entry("initial_delay", plan.delay, "initial delay") + ", " +
         entry("write_duration", plan.duration, "duration of writes after initial delay") + ", " +
         entry("pause_per_write", plan.pause(), "computed pause between writes");
}

std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// The plan that the query asks for: count, duration, delay, jitter; nothing where that has been
// answered with 400.
struct Defaults {
  std::chrono::nanoseconds duration, delay;
  std::chrono::nanoseconds shortest{0};  // duration
};
std::optional<PacedTask::Plan> read_times(Call& call, const Defaults& defaults) {
  const auto duration = call.duration("duration", defaults.duration, defaults.shortest);
  if (!duration) return std::nullopt;
  const auto delay = call.duration("delay", defaults.delay);
  if (!delay) return std::nullopt;
  const std::chrono::nanoseconds most = call.options().max_duration;
  PacedTask::Plan plan{.delay = *delay, .duration = *duration};
  if (plan.delay + plan.duration <= most) return plan;
  if (call.arguments().value("duration").empty() && call.arguments().value("delay").empty()) {
    plan.delay = std::min(plan.delay, most / 2);  // nobody asked for so much
    plan.duration = std::min(plan.duration, most - plan.delay);
    return plan;
  }
  call.error(400, "duration and delay together are " +
                      go_duration_text(plan.delay + plan.duration) +
                      ", longer than max_duration, " + go_duration_text(most));
  return std::nullopt;
}

// --- drip ----------------------------------------------------------------------------------------

class Drip final : public PacedTask {
 public:
  Drip(Call& call, const Plan& plan, int status) : PacedTask(call, plan), status_(status) {}

 private:
  void begin() override {
    const std::string timing = server_timing(plan());
    const Header headers[] = {{"Content-Type", kText}, {"Server-Timing", timing}};
    exchange().begin(status_, headers, plan().count);
  }
  void write(std::uint64_t, std::uint64_t count) override {
    exchange().write(std::string(count, '*'));
  }
  int status_;
};

void drip(Call& call) {
  auto plan = read_times(call, {.duration = 2s, .delay = 2s});
  if (!plan) return;
  const auto most = std::max<std::int64_t>(1, static_cast<std::int64_t>(call.options().max_body));
  const auto count = call.number("numbytes", 10, 1, most);
  if (!count) return;
  const auto status = call.number("code", 200, 200, 599);
  if (!status) return;
  plan->count = static_cast<std::uint64_t>(*count);
  plan->batch = 4096;
  PacedTask::start(std::make_unique<Drip>(call, *plan, static_cast<int>(*status)));
}

// --- server-sent events (WHATWG HTML section 9.2) ------------------------------------------------

class Events final : public PacedTask {
 public:
  Events(Call& call, const Plan& plan) : PacedTask(call, plan) {}

 private:
  void begin() override {
    static constexpr Header kHeaders[] = {{"Content-Type", "text/event-stream; charset=utf-8"},
                                          {"Cache-Control", "no-store"},
                                          {"Trailer", "Server-Timing"}};
    exchange().begin(200, kHeaders, std::nullopt);
  }
  void write(std::uint64_t first, std::uint64_t count) override {
    for (std::uint64_t id = first; id < first + count; ++id) {
      std::string event = "event: ping\ndata: ";
      JsonWriter json(event);
      json.begin_object();
      json.field("id", id);
      json.field("timestamp", unix_ms());
      json.end_object();
      exchange().write(event + "\n\n");
    }
  }
  void end() override {
    const std::string timing = server_timing(plan());
    const Header trailer{"Server-Timing", timing};
    exchange().end({&trailer, 1});
  }
};

void sse(Call& call) {
  const auto count = call.number("count", 10, 1, 1000);
  if (!count) return;
  auto plan = read_times(call, {.duration = 5s, .delay = 0s, .shortest = 1ns});
  if (!plan) return;
  const auto jitter = call.fraction("jitter", 0);
  if (!jitter) return;
  plan->count = static_cast<std::uint64_t>(*count);
  plan->jitter = *jitter;
  PacedTask::start(std::make_unique<Events>(call, *plan));
}

// --- lines of JSON -------------------------------------------------------------------------------

// One line that says who asked for what, with a number.
std::string request_line(Call& call) {
  std::string rest;
  JsonWriter json(rest);
  json.begin_object();
  grouped_arguments(call.request().query).write(json, "args");
  grouped(call.request().headers).write(json, "headers");
  json.field("origin", call.client().ip);
  json.field("url", call.url());
  json.end_object();
  return rest.substr(1) + "\n";
}

class Lines final : public PacedTask {
 public:
  Lines(Call& call, const Plan& plan, Bytes content_type)
      : PacedTask(call, plan), line_(request_line(call)), content_type_(content_type) {}

 private:
  void begin() override {
    const Header headers[] = {{"Content-Type", content_type_}, {"Cache-Control", "no-store"}};
    exchange().begin(200, headers, std::nullopt);
  }
  void write(std::uint64_t first, std::uint64_t count) override {
    for (std::uint64_t id = first; id < first + count; ++id)
      exchange().write("{\"id\":" + std::to_string(id) + "," + line_);
  }
  std::string line_;  // without its number
  Bytes content_type_;
};

// Numbers beyond the bounds become the bounds, as in httpbin; what is no number is an error.
std::optional<std::uint64_t> clamped(Call& call, std::string_view name, std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  const auto count = call.read_number(name, text, -kMost, kMost);
  if (!count) return std::nullopt;
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(*count, 1, 100));
}

void stream(Call& call) {
  const auto count = clamped(call, "n", call.path("n"));
  if (!count) return;
  PacedTask::start(std::make_unique<Lines>(call, PacedTask::Plan{.count = *count}, kJson));
}

void jsonl(Call& call) {
  const std::string_view text = call.arguments().value("count");
  const auto count = text.empty() ? 10 : clamped(call, "count", text);
  if (!count) return;
  auto plan = read_times(call, {.duration = 0s, .delay = 0s});
  if (!plan) return;
  const auto jitter = call.fraction("jitter", 0);
  if (!jitter) return;
  plan->count = *count;
  plan->jitter = *jitter;
  PacedTask::start(std::make_unique<Lines>(call, *plan, "application/x-ndjson"));
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kDelay = {.name = "delay",
                                   .fallback = "0s",
                                   .help = "before the first; both together up to max_duration"};
constexpr RouteParameter kJitter = {.name = "jitter",
                                    .type = "number",
                                    .fallback = "0",
                                    .help = "0 to 1, of the pause between two"};
constexpr RouteParameter kDrip[] = {
    {.name = "duration", .fallback = "2s", .help = "from the first byte to the last"},
    {.name = "delay",
     .fallback = "2s",
     .help = "before the first; both together up to max_duration"},
    {.name = "numbytes", .type = "integer", .fallback = "10", .help = "1 to max_body"},
    {.name = "code", .type = "integer", .fallback = "200", .help = "the status, 200 to 599"}};
constexpr RouteParameter kSse[] = {
    {.name = "count", .type = "integer", .fallback = "10", .help = "1 to 1000"},
    {.name = "duration", .fallback = "5s", .help = "from the first event to the last"},
    kDelay,
    kJitter};
constexpr RouteParameter kStream[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "lines; at least 1, at most 100"}};
constexpr RouteParameter kJsonl[] = {
    {.name = "count",
     .type = "integer",
     .fallback = "10",
     .help = "lines; at least 1, at most 100"},
    {.name = "duration", .fallback = "0s", .help = "from the first line to the last"},
    kDelay,
    kJitter};

}  // namespace

std::span<const Route> stream_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/drip", "bytes, one by one, with a Content-Length", drip, kDrip,
       "/drip?duration=1s&delay=0s&numbytes=5"},
      {"*", "/stream/{n}", "n lines of JSON, chunked", stream, kStream, "/stream/3"},
      {"*", "/jsonl", "lines of JSON over a time", jsonl, kJsonl, "/jsonl?count=3&duration=1s"},
      {"*", "/sse", "server-sent events over a time, with a trailer", sse, kSse,
       "/sse?count=3&duration=1s"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
