// Pace: when the events of an open-loop schedule are due, whatever has happened to the earlier
// ones.
//
// Event k is due at start + k / rate. Pure arithmetic on nanoseconds; nobody waits here.
#pragma once

#include <cmath>
#include <cstdint>

namespace polyport::swarm {

class Pace {
 public:
  Pace() = default;
  // `total` events, `per_second` of them a second.
  Pace(std::int64_t start_ns, double per_second, std::uint64_t total)
      : start_ns_(start_ns), interval_ns_(1e9 / per_second), total_(total) {}

  std::uint64_t total() const { return total_; }
  std::int64_t due_ns(std::uint64_t event) const {
    return start_ns_ + std::llround(static_cast<double>(event) * interval_ns_);
  }
  // How many are due by `now_ns`.
  std::uint64_t due_by(std::int64_t now_ns) const {
    if (now_ns < start_ns_ || total_ == 0) return 0;
    const double passed = static_cast<double>(now_ns - start_ns_) / interval_ns_;
    if (passed >= static_cast<double>(total_)) return total_;
    auto count = static_cast<std::uint64_t>(passed);
    while (count < total_ && due_ns(count) <= now_ns)
      ++count;  // rounding must not make an event wait for the next one
    return count;
  }

 private:
  std::int64_t start_ns_ = 0;
  double interval_ns_ = 1;
  std::uint64_t total_ = 0;
};

}  // namespace polyport::swarm
