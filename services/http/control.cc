// What a test may change or end: health and readiness, and, only with unsafe = true, the process.
#include <csignal>
#include <cstdlib>

#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

using Body = Route::Body;

// --- health and readiness ------------------------------------------------------------------------

void answer_state(Call& call, int status) {
  const bool good = status < 400;
  call.text(good ? "ok\n" : "not ok\n", status, {{"Cache-Control", "no-store"}});
}

void health(Call& call) {
  answer_state(call, call.site().health);
}

void ready(Call& call) {
  if (call.site().host().draining()) {
    return call.text("draining\n", 503, {{"Cache-Control", "no-store"}});
  }
  answer_state(call, call.site().ready);
}

// The body is a status as a number: "503".
void set_state(Call& call, int& state) {
  const auto status = call.read_number("body", trim(call.request().body), 200, 599);
  if (!status) return;
  state = static_cast<int>(*status);
  call.text("answers " + std::to_string(state) + " from now on\n");
}

void set_health(Call& call) {
  set_state(call, call.site().health);
}

void set_ready(Call& call) {
  set_state(call, call.site().ready);
}

// --- the end -------------------------------------------------------------------------------------

// Ends the process once the answer has left.
class Ending final : public Alarm {
 public:
  Ending(Log& log, int code) : log_(log), code_(code) {}

 private:
  void ring() noexcept override {
    if (code_ == 0) {
      std::raise(SIGTERM);  // the orderly way: a drain
    } else {
      log_.flush();
      std::_Exit(code_);  // as a crash would: nobody is told, nothing is tidied up
    }
  }
  Log& log_;
  int code_;
};

void end_process(Call& call) {
  using namespace std::chrono_literals;
  const auto code = call.number("code", 0, 0, 255);
  if (!code) return;
  const auto wait = call.duration("wait", 0s);
  if (!wait) return;
  call.site().log().warn({.event = "exit_asked_for",
                          .message = "/exit ends this process with code " + std::to_string(*code),
                          .service = call.site().instance(),
                          .peer = call.exchange().connection().peer().text()});
  auto& ending = call.site().ending;
  ending = std::make_unique<Ending>(call.site().log(), static_cast<int>(*code));
  const auto in_ms = std::chrono::ceil<std::chrono::milliseconds>(*wait);
  call.site().alarms().set(*ending, in_ms + 50ms);  // for the answer to leave first
  call.text("exit " + std::to_string(*code) + " in " + go_duration_text(*wait) + "\n");
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kExit[] = {
    {.name = "code",
     .type = "integer",
     .fallback = "0",
     .help = "0: an orderly drain; 1 to 255: at once, as a crash"},
    {.name = "wait", .fallback = "0s", .help = "before it, up to max_duration"}};

}  // namespace

std::span<const Route> control_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/health", "200, or the status that was set", health},
      {"POST,PUT",
       "/health",
       "sets it: the body is a number from 200 to 599",
       set_health,
       {},
       {},
       Body::kBuffer},
      {"GET", "/ready", "200, or the status that was set; 503 while this process drains", ready},
      {"POST,PUT", "/ready", "sets it", set_ready, {}, {}, Body::kBuffer},
      {"*", "/exit", "ends this process", end_process, kExit, "/exit?code=1", Body::kDiscard,
       Route::When::kUnsafe},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
