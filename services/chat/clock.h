// Clock: what time it is, for the hub, which has none of its own so that tests need not wait.
#pragma once

#include <cstdint>

namespace polyport::services::chat {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::uint64_t steady_ms() const = 0;  // never runs backwards; any beginning
  virtual std::uint64_t wall_ms() const = 0;    // since 1970
};

}  // namespace polyport::services::chat
