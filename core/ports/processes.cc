// What a person should know about one process, read from its files in /proc.
#include "core/ports/processes.h"

#include <pwd.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>

#include "core/base/text.h"
#include "core/ports/fd_links.h"
#include "core/ports/proc_file.h"
#include "core/ports/process_facts.h"

namespace polyport {
namespace {

// Where each file is cut. The kernel writes less, except for command lines.
constexpr std::size_t kMostBytes = 4096;
constexpr std::size_t kMostCgroupBytes = 16 * 1024;
constexpr std::size_t kMostPublishedBytes = 1u << 20;

std::string folder_of(int pid) {
  return "/proc/" + std::to_string(pid);
}

std::chrono::nanoseconds clock_now(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// /proc/stat tells when the machine was booted too, but container managers put another one in its
// place; these two clocks are of the same (time) namespace as the ticks.
std::chrono::system_clock::time_point time_of(std::uint64_t start_ticks) {
  using std::chrono::nanoseconds;
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const auto per_second = static_cast<std::uint64_t>(std::max(::sysconf(_SC_CLK_TCK), 1L));
  const auto since_boot = std::chrono::seconds(start_ticks / per_second) +
                          nanoseconds(start_ticks % per_second * (kSecond / per_second));
  const nanoseconds began = clock_now(CLOCK_REALTIME) - clock_now(CLOCK_BOOTTIME) + since_boot;
  return std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(began));
}

// The name may be a lie: whatever it is, nothing of it is read before it is known to be a file that
// nobody can change any more. Only a memory file can have that seal.
std::string read_sealed(int descriptors, const char* name) {
  struct stat facts {};
  if (::fstatat(descriptors, name, &facts, 0) != 0 || !S_ISREG(facts.st_mode)) return {};
  const int fd = ::openat(descriptors, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return {};
  std::string text;
  const int seals = ::fcntl(fd, F_GET_SEALS);
  const bool sealed = seals >= 0 && (seals & F_SEAL_WRITE) != 0;
  if (sealed && ::fstat(fd, &facts) == 0 && facts.st_size > 0 &&
      static_cast<std::size_t>(facts.st_size) <= kMostPublishedBytes) {
    text.resize(static_cast<std::size_t>(facts.st_size));
    const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  ::close(fd);
  return text;
}

}  // namespace

std::string_view name(Hidden hidden) {
  switch (hidden) {
    case Hidden::kNo:
      return "";
    case Hidden::kOtherUser:
      return "other_user";
    case Hidden::kPidNamespace:
      return "pid_namespace";
    case Hidden::kKernel:
      return "kernel";
    case Hidden::kNotListed:
      break;
  }
  return "not_listed";
}

std::optional<Process> read_process(int pid) {
  // Held open, it goes on meaning this process even when the number is given to another.
  const Directory folder = open_directory(AT_FDCWD, folder_of(pid).c_str());
  if (!folder) return std::nullopt;
  const auto read = [&](const char* file, std::size_t most) {
    return read_proc_file(::dirfd(folder.get()), file, most).value_or(std::string());
  };
  const std::string stat = read("stat", kMostBytes);
  const auto facts = parse_stat(stat);
  if (!facts) return std::nullopt;
  Process process;
  process.pid = pid;
  process.parent = facts->parent;
  process.name = printable(facts->name);
  process.command = command_text(read("cmdline", kMostBytes));
  process.uid = parse_status_uid(read("status", kMostBytes)).value_or(0);
  process.user = user_name(process.uid);
  process.started = time_of(facts->start_ticks);
  CgroupFacts cgroup = parse_cgroup(read("cgroup", kMostCgroupBytes));
  process.unit = std::move(cgroup.unit);
  process.user_unit = cgroup.user_unit;
  process.container = std::move(cgroup.container);
  return process;
}

std::string user_name(std::uint32_t uid) {
  constexpr std::size_t kMostUserBytes = 1u << 20;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(1024);
  int error = 0;
  while ((error = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found)) == ERANGE &&
         buffer.size() < kMostUserBytes) {
    buffer.resize(buffer.size() * 2);
  }
  if (error != 0 || found == nullptr) return std::to_string(uid);
  return printable(found->pw_name);
}

bool is_published_link(std::string_view link) {
  constexpr std::string_view kBegin = "/memfd:";
  constexpr std::string_view kEnd = " (deleted)";  // a memory file has no name in any directory
  if (!link.starts_with(kBegin) || !link.ends_with(kEnd)) return false;
  link.remove_prefix(kBegin.size());
  link.remove_suffix(kEnd.size());
  return link == kPublishedServicesName;
}

std::string read_published_services(int pid) {
  const Directory descriptors = open_directory(AT_FDCWD, (folder_of(pid) + "/fd").c_str());
  if (!descriptors) return {};
  std::string text;
  for_each_link(descriptors.get(), [&](const char* descriptor, std::string_view link) {
    if (is_published_link(link)) text = read_sealed(::dirfd(descriptors.get()), descriptor);
    return text.empty();
  });
  return text;
}

}  // namespace polyport
