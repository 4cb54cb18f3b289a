#include "app/commands/demo/second_process.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "app/commands/demo/real_lab.h"
#include "core/socket/waiting.h"

namespace polyport::demo {
namespace {

constexpr milliseconds kAnswerWait{10'000};
constexpr unsigned kNobody = 65534;

// What the process says through its pipe.
struct Message {
  Step step = Step::kNone;
  int error = 0;
  Address local;
};

int become_nobody() {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
      ::setresuid(kNobody, kNobody, kNobody) != 0) {
    return errno;
  }
  return 0;
}

int leave_for_another_namespace() {
  if (::unshare(CLONE_NEWNET) == 0) return 0;
  // An ordinary user may where the system lets him be root of a namespace of his own.
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 ? 0 : errno;
}

int go(Where where) {
  switch (where) {
    case Where::kAsNobody:
      return become_nobody();
    case Where::kOtherNamespace:
      return leave_for_another_namespace();
    case Where::kHere:
      break;
  }
  return 0;
}

// The life of the second process. It has a copy of each socket of the first, which would keep their
// ports when the first closes them: all but its pipe is closed.
[[noreturn]] void live(const Wish& wish, Where where, int pipe, int parent) {
  constexpr int kPipe = 3;
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the demo, which takes us along
  if (pipe != kPipe) ::dup2(pipe, kPipe);
  ::close_range(kPipe + 1, ~0U, 0);
  Message message;
  message.error = go(where);
  // Only now: a change of user takes it away. It is lost where the demo has ended in the meantime.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);
  if (message.error != 0) {
    message.step = Step::kFork;
  } else {
    const Opened opened = open_wished(wish);
    message = {opened.step, opened.error, opened.local};
  }
  const bool told = ::write(kPipe, &message, sizeof message) == sizeof message;
  while (told && message.error == 0)
    ::pause();
  ::_exit(0);
}

}  // namespace

Held start_process(const Wish& wish, Where where) {
  std::array<int, 2> pipe{-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {0, Step::kFork, errno, {}};
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid == 0) live(wish, where, pipe[1], parent);
  const int forked = pid < 0 ? errno : 0;
  ::close(pipe[1]);
  Message message{Step::kFork, forked != 0 ? forked : ETIMEDOUT, {}};
  const auto deadline = std::chrono::steady_clock::now() + kAnswerWait;
  if (pid > 0 && sock::wait_readable(pipe[0], deadline)) {
    // A pipe gives a message of this size whole; nothing at all where the process has died.
    if (::read(pipe[0], &message, sizeof message) != sizeof message) {
      message = {Step::kFork, ECHILD, {}};
    }
  }
  ::close(pipe[0]);
  if (pid < 0) return {0, message.step, message.error, {}};
  if (message.error == 0) return {pid, Step::kNone, 0, message.local};
  end_process(pid);
  return {0, message.step, message.error, {}};
}

void end_process(int pid) {
  ::kill(pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace polyport::demo
