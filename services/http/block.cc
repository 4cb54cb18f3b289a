// /block: stops the loop on purpose, so that a class can see what a callback that waits does to
// every other service of the process. Only with teaching = true.
#include <chrono>
#include <thread>

#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kMostMs = 5'000;
constexpr auto kRest = 1s;

std::int64_t waiting_clients(const ServiceStatus& service) {
  std::int64_t waiting = 0;
  for (const ListenerStatus& listener : service.listeners)
    waiting += listener.accept_queue;
  return waiting;
}

std::uint64_t open_clients(const ServiceStatus& service) {
  std::uint64_t open = 0;
  for (const ListenerStatus& listener : service.listeners)
    open += listener.active;
  return open;
}

std::string report(Call& call, std::chrono::milliseconds blocked) {
  return json_object([&](JsonWriter& json) {
    json.field("blocked_ms", blocked.count());
    json.field(
        "note",
        "one thread serves every port: while this answer slept, nobody was accepted, read or "
        "answered anywhere in this process");
    json.key("services");
    json.begin_array();
    for (const ServiceStatus& service : call.site().host().services()) {
      if (service.state != ServiceState::kLive) continue;
      json.begin_object();
      json.field("service", service.name);
      json.field("late_ms", blocked.count());  // whoever came at its beginning waited so long
      json.field("clients_open", open_clients(service));
      json.field("clients_not_yet_accepted", waiting_clients(service));
      json.end_object();
    }
    json.end_array();
  });
}

void block(Call& call) {
  // One loop, one thread: this is the time at which it last slept here, for whatever service.
  static Clock::time_point last_end = Clock::now() - kRest;
  const auto ms = call.number("ms", 1'000, 0, kMostMs);
  if (!ms) return;
  if (Clock::now() - last_end < kRest) {
    return call.error(429, "the loop slept within the last second: let it work for a while",
                      {{"Retry-After", "1"}});
  }
  call.site().log().warn(
      {.event = "loop_blocked",
       .message = "/block stops every service for " + std::to_string(*ms) + " ms",
       .service = call.site().instance()});
  const auto begin = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(*ms));
  last_end = Clock::now();
  const auto blocked = std::chrono::duration_cast<std::chrono::milliseconds>(last_end - begin);
  call.json(report(call, blocked), 200, {{"Cache-Control", "no-store"}});
}

constexpr RouteParameter kMs[] = {
    {.name = "ms", .type = "integer", .fallback = "1000", .help = "0 to 5000"}};

}  // namespace

std::span<const Route> block_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/block", "sleeps on the loop, so that every service stands still", block, kMs,
       "/block?ms=2000", Route::Body::kDiscard, Route::When::kTeaching},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
