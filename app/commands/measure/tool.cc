#include "app/commands/measure/tool.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "app/commands/connect/interrupt.h"
#include "app/commands/exit_code.h"
#include "core/base/text.h"
#include "core/ports/proc_file.h"

namespace polyport::measure {
namespace {

constexpr int kLookEveryMs = 100;
constexpr int kMostDepth = 8;
constexpr std::uint64_t kGraceNs = 2'000'000'000;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::uint64_t nanoseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000;
}

std::string read(const std::string& path) {
  return read_proc_file(AT_FDCWD, path.c_str(), 64 * 1024).value_or("");
}

// Only what is safe between fork and exec in a process that may have threads.
[[noreturn]] void become(char* const* words, int report) {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &usual, nullptr);
  ::execvp(words[0], words);
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

// Waits until the process has ended, the descriptor is readable, or the time is over.
void wait_some(int process, int interrupt, int most_ms) {
  std::array<pollfd, 2> watched = {{{process, POLLIN, 0}, {interrupt, POLLIN, 0}}};
  // Without a descriptor of the process (Linux before 5.3) its end is asked for often.
  ::poll(watched.data(), watched.size(), process >= 0 ? most_ms : std::min(most_ms, 10));
}

bool is_readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return fd >= 0 && ::poll(&watched, 1, 0) > 0;
}

std::vector<pid_t> numbers_in(const std::string& text) {
  std::vector<pid_t> numbers;
  for (const std::string_view word : split(trim(text), ' ')) {
    if (const auto number = parse_number<pid_t>(word, 1)) numbers.push_back(*number);
  }
  return numbers;
}

std::vector<pid_t> threads_of(pid_t process) {
  std::vector<pid_t> threads;
  DIR* directory = ::opendir(("/proc/" + std::to_string(process) + "/task").c_str());
  if (directory == nullptr) return threads;
  while (const dirent* entry = ::readdir(directory)) {
    if (const auto number = parse_number<pid_t>(entry->d_name, 1)) threads.push_back(*number);
  }
  ::closedir(directory);
  return threads;
}

}  // namespace

Result<Tool> Tool::start(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::array<int, 2> report{-1, -1};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) {
    return failure(ErrorCode::kDescriptors, std::strerror(errno));
  }
  const std::uint64_t began = now_ns();
  const pid_t child = ::fork();
  if (child == 0) become(words.data(), report[1]);
  ::close(report[1]);
  int error = child < 0 ? errno : 0;
  if (child > 0) {
    // Nothing comes where it has become the command.
    if (::read(report[0], &error, sizeof error) != sizeof error) error = 0;
    if (error != 0) ::waitpid(child, nullptr, 0);
  }
  ::close(report[0]);
  if (error == 0) return Tool(child, began);
  return failure(ErrorCode::kNotFound, "cannot be started: " + std::string(std::strerror(error)),
                 printable(command.front(), 100));
}

ToolUse Tool::wait() {
  const Interrupt interrupt;
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, child_, 0));
  std::optional<std::uint64_t> interrupted;
  rusage use{};
  int status = 0;
  std::uint64_t next_look = 0;
  while (::wait4(child_, &status, WNOHANG, &use) == 0) {
    if (now_ns() >= next_look) {
      look();
      next_look = now_ns() + std::uint64_t{kLookEveryMs} * 1'000'000;
    }
    wait_some(process, interrupted ? -1 : interrupt.descriptor(), kLookEveryMs);
    if (!interrupted && is_readable(interrupt.descriptor())) interrupted = now_ns();
    if (interrupted && now_ns() - *interrupted > kGraceNs) {
      ::kill(child_, SIGTERM);
      interrupted = now_ns();
    }
  }
  if (process >= 0) ::close(process);
  ToolUse result;
  result.wall_ns = now_ns() - began_ns_;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.cpu_ns = nanoseconds(use.ru_utime) + nanoseconds(use.ru_stime);
  result.busiest_used = threads_.busiest_used();
  result.busiest_wanted = threads_.busiest_wanted();
  return result;
}

void Tool::look() {
  threads_.look(now_ns());
  look_at(child_, 0);
}

void Tool::look_at(pid_t process, int depth) {
  if (depth > kMostDepth) return;
  const std::string folder = "/proc/" + std::to_string(process) + "/task/";
  for (const pid_t id : threads_of(process)) {
    const std::string of_thread = folder + std::to_string(id);
    // Nanoseconds on a processor, and waiting for one.
    const std::string text = read(of_thread + "/schedstat");
    const auto fields = split(trim(text), ' ');
    const auto ran = parse_number<std::uint64_t>(fields[0]);
    const auto queued = fields.size() > 1 ? parse_number<std::uint64_t>(fields[1]) : std::nullopt;
    if (ran && queued) threads_.see(id, {.ran = *ran, .queued = *queued});
    for (const pid_t child : numbers_in(read(of_thread + "/children")))
      look_at(child, depth + 1);
  }
}

}  // namespace polyport::measure
