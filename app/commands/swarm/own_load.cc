#include "app/commands/swarm/own_load.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>

namespace polyport::swarm {
namespace {

constexpr std::chrono::milliseconds kEvery{20};
// The loop's timers count whole milliseconds of a cached clock.
constexpr std::int64_t kGrain = 1'000'000;
// In less time nothing can be said about a share.
constexpr std::int64_t kShortest = 50'000'000;

std::int64_t nanoseconds(const timeval& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1'000;
}

}  // namespace

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t cpu_ns() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

void OwnLoad::Phase::begin() {
  began = now_ns();
  cpu_began = cpu_ns();
}

void OwnLoad::Phase::end() {
  if (began == 0) return;
  wall += now_ns() - began;
  cpu += cpu_ns() - cpu_began;
  began = 0;
}

std::optional<double> OwnLoad::Phase::share() const {
  if (wall < kShortest) return std::nullopt;
  return static_cast<double>(cpu) / static_cast<double>(wall);
}

OwnLoad::OwnLoad(Loop& loop)
    : timer_(loop, [this] {
        const std::int64_t now = now_ns();
        lag_.record(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - expected_ - kGrain)));
        go_on();
      }) {
  go_on();
}

void OwnLoad::rest() {
  timer_.stop();
}

void OwnLoad::go_on() {
  expected_ = now_ns() + std::chrono::nanoseconds(kEvery).count();
  timer_.start(kEvery);
}

void OwnLoad::stop() {
  opening_.end();
  sending_.end();
  timer_.stop();
}

}  // namespace polyport::swarm
