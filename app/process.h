// Process: what a server arranges with the operating system before it opens anything.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <functional>

#include "core/loop/wakeup.h"

namespace polyport {

// Opens /dev/null in place of a closed standard input, output or error, so that no socket gets
// their numbers and is written to by mistake.
void keep_standard_descriptors();

// A write to a socket or pipe that is gone is an error to handle, not an end of the process.
void ignore_broken_pipes();

// Raises the soft limit of descriptors to the hard one.
void raise_descriptor_limit();

// SIGINT and SIGTERM. The first calls back on the loop; the second ends the process at once, with
// 128 plus its number, even where the loop is stuck. One object a process.
class StopSignals {
 public:
  StopSignals(Loop& loop, std::function<void(int number)> on_first);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  Wakeup wakeup_;
};

}  // namespace polyport
