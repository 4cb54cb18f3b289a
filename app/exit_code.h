// The exit codes of every command: pinned, because scripts depend on them.
#pragma once

namespace polyport {

enum class ExitCode : int {
  kOk = 0,
  kNo = 1,     // the answer is no: check found errors, a port is taken, unhealthy
  kUsage = 2,  // the command line
  kCannotBind = 3,
  kNotPermitted = 4,
  kFailed = 5,  // anything else that went wrong at run time
};              // 130 and 143: ended by a second signal

constexpr int code(ExitCode exit_code) {
  return static_cast<int>(exit_code);
}

}  // namespace polyport
