// Between the demo and the program stands a keeper: a process that ends the program when it is told
// to, and when the demo is gone in whatever way. The kernel tells it of the latter
// (PR_SET_PDEATHSIG); the program itself would lose that on exec where its file has capabilities.
#include "app/commands/demo/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "core/socket/waiting.h"

namespace polyport::demo {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostSaid = 1024 * 1024;
constexpr int kExecFailed = 127;

class Pipe {
 public:
  Pipe() { error_ = ::pipe2(ends_.data(), O_CLOEXEC) == 0 ? 0 : errno; }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int error() const { return error_; }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close(ends_[0]); }
  void close_write() { close(ends_[1]); }

 private:
  static void close(int& fd) {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  std::array<int, 2> ends_{-1, -1};
  int error_ = 0;
};

[[noreturn]] void become_program(int input, int output) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGINT, SIG_DFL);
  // What steers a polyport from outside is meant for another one.
  std::vector<char*> environment;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view variable(*each);
    if (variable.starts_with("POLYPORT_") || variable.starts_with("LISTEN_") ||
        variable.starts_with("NOTIFY_SOCKET=")) {
      continue;
    }
    environment.push_back(*each);
  }
  environment.push_back(nullptr);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(input, 0);
  ::dup2(output, 1);
  ::dup2(nowhere, 2);
  // All that is the demo's own is close-on-exec.
  ::execle("/proc/self/exe", "polyport", "run", "--json", "-", nullptr, environment.data());
  ::_exit(kExecFailed);
}

// Ends with the exit code of the program.
[[noreturn]] void keep(int input, int output, int parent) {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGTERM);
  ::sigaddset(&awaited, SIGHUP);  // a terminal that is closed; the program does not mind it
  ::sigaddset(&awaited, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches the program and the demo by itself
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(0);
  const int pid = ::fork();
  if (pid == 0) become_program(input, output);
  if (pid < 0) ::_exit(kExecFailed);
  ::close_range(3, ~0U, 0);  // the demo's sockets and pipes are not ours to hold
  int patience = -1;         // seconds until it is killed; -1: nobody asked it to stop
  while (true) {
    const timespec wait{std::max(patience, 1), 0};
    const int number =
        patience < 0 ? ::sigwaitinfo(&awaited, nullptr) : ::sigtimedwait(&awaited, nullptr, &wait);
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) {
      ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    }
    if ((number == SIGTERM || number == SIGHUP) && patience < 0) {
      constexpr int kPatience = 10;
      patience = kPatience;
      ::kill(pid, SIGTERM);
    } else if (number < 0 && errno == EAGAIN) {
      ::kill(pid, SIGKILL);
    }
  }
}

// Up to the end of what it says, or its first line where that is whole: the ready line is one.
std::pair<std::string, int> read_said(int fd, sock::Deadline deadline) {
  std::string said;
  while (said.size() < kMostSaid) {
    if (!sock::wait_readable(fd, deadline)) return {std::move(said), ETIMEDOUT};
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    said.append(buffer, static_cast<std::size_t>(got));
    if (said.starts_with("{\"event\":") && said.ends_with('\n')) break;
  }
  return {std::move(said), 0};
}

int exit_code_of(int pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Program start_program(std::string_view configuration, milliseconds wait) {
  Pipe input;
  Pipe output;
  Program program;
  program.error = input.error() != 0 ? input.error() : output.error();
  if (program.error != 0) return program;
  const int parent = ::getpid();
  const int keeper = ::fork();
  if (keeper == 0) keep(input.read_end(), output.write_end(), parent);
  if (keeper < 0) {
    program.error = errno;
    return program;
  }
  input.close_read();
  output.close_write();
  // It fits into the pipe, so this does not wait.
  const ssize_t written = ::write(input.write_end(), configuration.data(), configuration.size());
  input.close_write();
  if (written < 0) program.error = errno;
  auto [said, error] = read_said(output.read_end(), steady_clock::now() + wait);
  program.said = std::move(said);
  if (error != 0) program.error = error;
  if (program.error == 0 && program.said.starts_with("{\"event\":")) {
    program.id = keeper;
    return program;
  }
  if (program.error != 0) ::kill(keeper, SIGTERM);
  program.exit_code = exit_code_of(keeper);
  if (program.error == 0 && program.exit_code == kExecFailed) program.error = ENOEXEC;
  return program;
}

void stop_program(int id) {
  ::kill(id, SIGTERM);
  exit_code_of(id);
}

}  // namespace polyport::demo
