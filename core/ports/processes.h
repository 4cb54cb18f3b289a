// Which process holds a socket, and what a person should know about it, from /proc.
//
// What cannot be seen is said: another user's descriptors are readable for that user and root only,
// and processes of an outer PID namespace are not in this /proc at all. Blocks; not for a running
// loop.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace polyport {

struct Process {
  int pid = 0;
  int parent = 0;
  // Both fit to be shown: control characters are escaped (see printable()).
  std::string name;     // as the kernel has it: at most 15 bytes
  std::string command;  // the command line, arguments joined by spaces, at most 200 bytes and "..."
  std::uint32_t uid = 0;  // the effective one
  std::string user;       // of uid; the number where it has no name
  std::optional<std::chrono::system_clock::time_point> started;
  std::string unit;        // of systemd, from its cgroup: "nginx.service"; else empty
  bool user_unit = false;  // the unit is one of its user's own systemd (systemctl --user)
  std::string container;   // "docker 3f2a…" (12 digits), from its cgroup; else empty
};

// Why no process is known for a socket.
enum class Hidden : std::uint8_t {
  kNo,            // a process is known
  kOtherUser,     // only that user or root can see which
  kPidNamespace,  // held from outside this PID namespace (a container with the host's network)
  kKernel,        // by the kernel itself (NFS, WireGuard): no process has it
  kNotListed,     // it has no file (TIME_WAIT, an orphan), or went away while we looked
};
std::string_view name(Hidden hidden);  // "other_user", …; empty for kNo

class ProcessTable {
 public:
  // Looks through every process it may for the sockets with these inodes.
  static ProcessTable find(std::span<const std::uint64_t> inodes);

  // Those that have the socket open, smallest pid first; empty where none could be seen.
  std::vector<int> holders(std::uint64_t inode) const;
  // For a socket with no holders: why. `uid` is the socket's owner.
  Hidden why_hidden(std::uint64_t inode, std::uint32_t uid) const;
  // Whether a process that was looked through has a file of the name kPublishedServicesName:
  // read_published_services() is worth asking.
  bool publishes(int pid) const;

 private:
  struct Held {
    std::uint64_t inode;
    int pid;
    friend auto operator<=>(const Held&, const Held&) = default;
  };

  bool look_through(int pid, int proc, const char* path, std::span<const std::uint64_t> wanted);

  std::vector<Held> held_;                   // sorted
  std::vector<int> publishers_;              // sorted
  std::vector<std::uint32_t> refused_uids_;  // sorted: of those processes that refused us
  bool saw_all_ = false;                     // no process refused us
  bool outermost_ = false;                   // this is the first PID namespace
};

// Nothing where there is no such process (any more).
std::optional<Process> read_process(int pid);
// The name, or the number where there is none.
std::string user_name(std::uint32_t uid);

// A polyport publishes its services as JSON (the ready line) in a sealed memory file that only its
// user and root can read. Empty where `pid` has none, or it may not be read.
inline constexpr std::string_view kPublishedServicesName = "polyport-services";
std::string read_published_services(int pid);

}  // namespace polyport
