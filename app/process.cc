#include "app/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace polyport {
namespace {

// A signal handler has no other way to reach its object. The first signal's number, or 0.
std::atomic<int> g_first_signal{0};
std::atomic<Wakeup*> g_wakeup{nullptr};

extern "C" void handle_stop_signal(int number) {
  int none = 0;
  if (!g_first_signal.compare_exchange_strong(none, number)) _exit(128 + number);
  const int saved_errno = errno;
  // uv_async_send, which is made for signal handlers.
  if (Wakeup* const wakeup = g_wakeup.load()) wakeup->wake();
  errno = saved_errno;
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

constexpr int kStopSignals[] = {SIGINT, SIGTERM};

}  // namespace

void keep_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open() gives the lowest free number, which is the closed one: those below are open by now.
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDWR));
  }
}

void ignore_broken_pipes() {
  set_handler(SIGPIPE, SIG_IGN);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where it is refused, the old limit holds and is obeyed
}

StopSignals::StopSignals(Loop& loop, std::function<void(int)> on_first)
    : wakeup_(loop, [on_first = std::move(on_first)] { on_first(g_first_signal.load()); }) {
  g_wakeup = &wakeup_;
  for (const int number : kStopSignals)
    set_handler(number, handle_stop_signal);
}

StopSignals::~StopSignals() {
  for (const int number : kStopSignals)
    set_handler(number, SIG_DFL);
  g_wakeup = nullptr;
}

}  // namespace polyport
