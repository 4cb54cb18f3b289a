// Tool: the command that measure runs, and what it and all that it started used of the processors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "app/commands/measure/thread_times.h"
#include "core/base/result.h"

namespace polyport::measure {

struct ToolUse {
  int exit_code = 0;  // 128 + the signal that ended it
  std::uint64_t wall_ns = 0;
  std::uint64_t cpu_ns = 0;  // of all its processes that have ended and were waited for
  // Of its busiest thread, as shares of the whole time: what it used of one core, and what it
  // wanted of one (it ran, or waited for a processor).
  double busiest_used = 0;
  double busiest_wanted = 0;
};

class Tool {
 public:
  // Starts it, with our standard streams. Fails where there is no such command.
  static Result<Tool> start(const std::vector<std::string>& command);
  Tool(Tool&&) = default;

  // Until it ends; looks at its threads meanwhile. After an interrupt (Ctrl-C reaches it by itself)
  // it is given two seconds before it is told to end.
  ToolUse wait();

 private:
  Tool(pid_t child, std::uint64_t began_ns) : child_(child), began_ns_(began_ns) {}

  void look();
  void look_at(pid_t process, int depth);

  pid_t child_;
  std::uint64_t began_ns_;
  ThreadTimes threads_;
};

}  // namespace polyport::measure
