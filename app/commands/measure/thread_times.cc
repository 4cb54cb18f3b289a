#include "app/commands/measure/thread_times.h"

#include <algorithm>

namespace polyport::measure {
namespace {

// Of less time nothing is said.
constexpr std::uint64_t kShortestNs = 200'000'000;

}  // namespace

void ThreadTimes::look(std::uint64_t now_ns) {
  if (first_look_ns_ == 0) first_look_ns_ = now_ns;
  last_look_ns_ = now_ns;
}

void ThreadTimes::see(std::int32_t thread, Counters counters) {
  const bool at_first_look = last_look_ns_ == first_look_ns_;
  const auto found = threads_.find(thread);
  if (found == threads_.end()) {
    if (threads_.size() == kMostThreads) return;
    threads_[thread] = {.first = at_first_look ? counters : Counters{}, .last = counters};
  } else if (counters.ran < found->second.last.ran) {
    found->second = {.first = {}, .last = counters};  // a number that was given again
  } else {
    found->second.last = counters;
  }
  const Thread& seen = threads_[thread];
  const std::uint64_t ran = seen.last.ran - seen.first.ran;
  const std::uint64_t queued = seen.last.queued - std::min(seen.last.queued, seen.first.queued);
  most_ran_ = std::max(most_ran_, ran);
  most_wanted_ = std::max(most_wanted_, ran + queued);
}

double ThreadTimes::busiest_used() const {
  return share(most_ran_);
}

double ThreadTimes::busiest_wanted() const {
  return share(most_wanted_);
}

double ThreadTimes::share(std::uint64_t time) const {
  const std::uint64_t all = last_look_ns_ - first_look_ns_;
  if (all < kShortestNs) return 0;
  return std::min(1.0, static_cast<double>(time) / static_cast<double>(all));
}

}  // namespace polyport::measure
