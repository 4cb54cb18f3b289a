// Progress: one line on the terminal that is drawn anew while a swarm runs.
//
// On standard error, and only where that is a terminal: a report in a file has none of it.
#pragma once

#include <string>

#include "app/commands/swarm/engine.h"
#include "core/loop/timer.h"

namespace polyport::swarm {

class Progress {
 public:
  explicit Progress(Engine& engine);
  ~Progress();  // wipes the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void draw();

  Engine& engine_;
  Timer timer_;
  bool drawn_ = false;
};

// "[####......] opening  400 of 1,000 open  12,345 answered  p50 0.083 ms  p99 1.25 ms  lost 0"
std::string progress_line(std::string_view phase, std::uint64_t open, std::uint64_t settled,
                          const Tally& tally, std::uint64_t scheduled);

}  // namespace polyport::swarm
