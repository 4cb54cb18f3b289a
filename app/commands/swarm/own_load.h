// OwnLoad: what the swarm itself costs, so that it can say when it was the limit and not its
// target.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/histogram.h"
#include "core/loop/timer.h"

namespace polyport::swarm {

// Now, in nanoseconds of a clock that only goes forward.
std::int64_t now_ns();
// Processor time of this process so far, user and system.
std::int64_t cpu_ns();

// What it cost in the end.
struct OwnUse {
  // Of one core, 0 to 1 and above where the log's thread helps; nothing where it was over too soon
  // to be known.
  std::optional<double> opening_share, sending_share;
  // How late a timer of the loop was, every 20 ms while something was to be done.
  Histogram lag;
};

class OwnLoad {
 public:
  explicit OwnLoad(Loop& loop);

  void begin_opening() { opening_.begin(); }
  void end_opening() { opening_.end(); }
  void begin_sending() { sending_.begin(); }
  void end_sending() { sending_.end(); }
  // Nothing is to be done for a while: how late a timer is then says nothing.
  void rest();
  void go_on();
  void stop();

  OwnUse use() const { return {opening_.share(), sending_.share(), lag_}; }

 private:
  struct Phase {
    std::int64_t began = 0, cpu_began = 0, wall = 0, cpu = 0;
    void begin();
    void end();
    std::optional<double> share() const;
  };

  Phase opening_, sending_;
  Histogram lag_;
  std::int64_t expected_ = 0;
  Timer timer_;
};

}  // namespace polyport::swarm
