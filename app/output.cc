#include "app/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/commands/exit_code.h"

namespace polyport {
namespace {

bool wait_for_room() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&out, 1, -1) >= 0 || errno == EINTR;
}

}  // namespace

bool write_output(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      if (!wait_for_room()) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

int unwritten() {
  if (errno != EPIPE) {
    std::fprintf(stderr, "polyport: cannot write to standard output: %s\n", std::strerror(errno));
  }
  return kExitFailed;
}

int answer(std::string_view text, int exit_code) {
  return write_output(text) ? exit_code : unwritten();
}

}  // namespace polyport
