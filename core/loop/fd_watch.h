// FdWatch: calls back on the loop when a descriptor that somebody else owns is ready. Boxed like
// Timer. For what is neither a connection nor a listener (those are core/net/poller's, which knows
// of turns): a foreign library's socket, a channel to another process.
#pragma once

#include <cstdint>
#include <functional>

#include "core/loop/loop.h"

namespace polyport {

class FdWatch {
 public:
  enum Events : std::uint8_t { kNone = 0, kRead = 1, kWrite = 2 };

  // `fd` must be non-blocking and outlive the watch. The callback gets a set of Events. Whatever
  // the kernel reports as an error (refused, reset) is told as both: reading and writing then meet
  // it. Afterwards nothing is watched until the next set().
  FdWatch(Loop& loop, int fd, std::function<void(std::uint8_t)> callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  bool ok() const { return box_ != nullptr; }  // false: the kernel cannot poll it
  void set(std::uint8_t events);

 private:
  struct Box;
  Box* box_ = nullptr;
};

}  // namespace polyport
