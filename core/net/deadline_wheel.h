// DeadlineWheel: when connections are due, in ticks of 1/16 s.
//
// One wheel a process, its links are 32-bit indices inside the slots, and one timer armed for the
// next occupied tick: an idle process makes no wake-ups. Moving a deadline later costs nothing: the
// entry stays where it is and is put forward when its bucket comes up.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/net/connection.h"
#include "core/net/connection_table.h"

namespace polyport {

using Tick = std::uint32_t;  // since the network began, from 1; wraps after eight years
inline constexpr std::chrono::microseconds kTick{62'500};

// Rounded up, at least one tick, and capped at a year.
Tick ticks(std::chrono::milliseconds duration);

class DeadlineWheel {
 public:
  explicit DeadlineWheel(ConnectionTable& table);

  // Makes sure the connection is looked at when `due` has come, or before.
  void schedule(Connection& connection, Tick due);
  void remove(Connection& connection);

  // Takes out every connection whose bucket has come up to and including `now`. The caller
  // schedules those again that are not due after all.
  void collect(Tick now, std::vector<ConnectionId>& out);

  // The next tick worth waking up for; nothing where the wheel is empty.
  std::optional<Tick> next() const;

 private:
  static constexpr std::uint32_t kBuckets = 4096;  // 256 s; what is later goes round again
  static constexpr std::uint32_t kNone = 0xffffffff;

  void take_bucket(std::uint32_t bucket, std::vector<ConnectionId>& out);

  ConnectionTable& table_;
  std::array<std::uint32_t, kBuckets> heads_;
  std::array<std::uint64_t, kBuckets / 64> occupied_{};
  Tick collected_ = 0;  // every tick up to here has been collected
};

}  // namespace polyport
