// Backoff: how long to wait before the next try of something that fails again and again.
//
// Doubles from the first delay up to the longest. Each delay is spread by a quarter either way, so
// that many who began in the same moment do not try in the same moment for ever.
#pragma once

#include <algorithm>
#include <chrono>

namespace polyport {

class Backoff {
 public:
  using Delay = std::chrono::milliseconds;

  Backoff(Delay first, Delay longest) : first_(first), longest_(longest), next_(first) {}

  // `random` in [0, 1).
  Delay next(double random) {
    const auto spread = static_cast<double>(next_.count()) * (0.75 + random / 2);
    next_ = std::min(2 * next_, longest_);
    return std::clamp(Delay(static_cast<Delay::rep>(spread)), first_, longest_);
  }
  void reset() { next_ = first_; }

 private:
  Delay first_;
  Delay longest_;
  Delay next_;
};

}  // namespace polyport
