// ConnectionId: names a connection for as long as anybody likes to remember it. A stale id is a
// failed look-up, never another connection.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace polyport {

struct ConnectionId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  // 0 names no connection

  explicit operator bool() const { return generation != 0; }
  friend bool operator==(ConnectionId, ConnectionId) = default;
  friend auto operator<=>(ConnectionId, ConnectionId) = default;
};

// What stands for this process in the names of its connections; 0 where there are no others. Set
// before there is any.
void set_worker_number(int number);

// "w0-17-3": worker, index, generation.
std::string text(ConnectionId id);

}  // namespace polyport
