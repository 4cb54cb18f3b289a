// polyport ports: the sockets of this machine, who holds them, and what their numbers are.
//
// What the kernel knows, put beside what a person asks: the range and the name of each number, the
// process and its user, the service where the process is a polyport, how full a listener's queue
// is. What cannot be seen from here is said.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace polyport {

struct PortsOptions {
  enum class Format { kText, kJson };
  enum class Show { kServers, kAll };  // kAll: connections too

  Show show = Show::kServers;
  bool unix_sockets = false;
  std::optional<std::uint16_t> port;  // near end; with kAll the far end too
  Format format = Format::kText;
  // Again and again at this interval, until interrupted.
  std::optional<std::chrono::milliseconds> watch;
};

inline constexpr std::chrono::milliseconds kDefaultWatchInterval{2000};
inline constexpr std::chrono::milliseconds kLeastWatchInterval{100};
inline constexpr std::chrono::milliseconds kMostWatchInterval = std::chrono::hours(1);

int run_command(const PortsOptions& options);

}  // namespace polyport
