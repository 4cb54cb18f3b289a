// What the files under /proc/PID say, read as text: for core/ports/processes.h and its tests. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace polyport {

// /proc/PID/stat (proc(5)).
struct StatFacts {
  std::string_view name;          // raw, part of the text
  std::uint64_t start_ticks = 0;  // since boot
  int parent = 0;                 // its pid; 0 where it is outside of this PID namespace
};
std::optional<StatFacts> parse_stat(std::string_view text);

// The effective uid of /proc/PID/status.
std::optional<std::uint32_t> parse_status_uid(std::string_view text);

// /proc/PID/cmdline as one line that can be shown: at most 200 bytes of it.
std::string command_text(Bytes cmdline);

// /proc/PID/cgroup, of both versions.
struct CgroupFacts {
  std::string unit;        // "nginx.service"; empty where none tells anything
  bool user_unit = false;  // of user@.service
  std::string container;   // "docker 0123456789ab", "lxc web"; else empty
};
CgroupFacts parse_cgroup(std::string_view text);

// The inode of "socket:[4711]", which is what a link in /proc/PID/fd reads.
std::optional<std::uint64_t> parse_socket_link(std::string_view link);

}  // namespace polyport
