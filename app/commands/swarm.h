// polyport swarm: many sockets at once, each byte that comes back compared.
//
// Opens sockets to one or several ports, in a window or evenly over a time, lets them say something
// by a schedule that does not wait for answers, holds them, and tells what was lost. It is bounded
// in count and in time, and goes to this machine only, unless it is told otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/tls_trust.h"

namespace polyport {

struct SwarmOptions {
  using Milliseconds = std::chrono::milliseconds;
  enum class Format : std::uint8_t { kText, kJson };

  std::vector<std::string> urls;
  std::uint32_t count = 100;  // sockets, over all targets
  // Bytes of a message; 0: nothing is said. Where it is given http posts.
  std::optional<std::uint64_t> given_size;
  std::uint64_t size() const { return given_size.value_or(64); }
  std::optional<double> rate;            // messages a second, of all together
  std::optional<Milliseconds> duration;  // of the time in which messages are sent
  Milliseconds ramp{0};                  // the sockets are opened evenly over this time
  Milliseconds hold{0};                  // silence before the last message
  Milliseconds timeout{10'000};          // to connect, and for answers after the last message
  std::vector<std::string> sources;      // addresses to connect from
  std::string source_ports;              // "50000-50009"
  double loss = 0;                       // percent of datagrams not sent, on purpose
  double allowed_loss = 0;               // percent of messages that may stay unanswered
  bool allow_remote = false;
  TlsTrust trust;
  std::string compare;  // a report of an earlier run, as JSON
  Format format = Format::kText;
};

inline constexpr std::uint32_t kMostSwarmSockets = 100'000;
inline constexpr double kMostSwarmRate = 1'000'000;
inline constexpr std::uint64_t kMostSwarmMessage = 1024 * 1024;
inline constexpr std::chrono::milliseconds kMostSwarmTime = std::chrono::hours(1);  // of each phase

// Exit code 0: everything was answered. 1: something was lost.
int run_command(const SwarmOptions& options);

}  // namespace polyport
