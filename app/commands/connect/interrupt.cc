// A self-pipe: the handler may only do what is safe in a signal, and a blocked write to a stopped
// terminal must be broken off too, which a signal mask around ppoll() would prevent.
#include "app/commands/connect/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/assert.h"

namespace polyport {
namespace {

std::array<int, 2> g_pipe{-1, -1};  // the reading and the writing end

void on_signal(int) {
  const int kept = errno;
  const char byte = 0;
  // A full pipe says all there is to say.
  [[maybe_unused]] const auto written = ::write(g_pipe[1], &byte, 1);
  errno = kept;
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  struct sigaction before {};
  ::sigaction(number, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART
  ::sigaction(number, &action, nullptr);
}

}  // namespace

Interrupt::Interrupt() {
  POLYPORT_ASSERT(g_pipe[0] == -1);
  // Without a pipe (no descriptors left) the signals keep their usual meaning.
  if (::pipe2(g_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  set_handler(SIGINT, on_signal);
  set_handler(SIGTERM, on_signal);
}

Interrupt::~Interrupt() {
  if (g_pipe[0] == -1) return;
  set_handler(SIGINT, SIG_DFL);
  set_handler(SIGTERM, SIG_DFL);
  ::close(g_pipe[0]);
  ::close(g_pipe[1]);
  g_pipe = {-1, -1};
}

int Interrupt::descriptor() const {
  return g_pipe[0];
}

}  // namespace polyport
