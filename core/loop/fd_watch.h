// FdWatch: calls back on the loop when a descriptor can be read or written. Boxed like Timer.
//
// For what is neither a connection nor a listener (those are core/net/poller.h's): a channel to
// another process, a foreign library's socket.
#pragma once

#include <cstdint>
#include <functional>

#include "core/loop/loop.h"

namespace polyport {

class FdWatch {
 public:
  enum class Interest : std::uint8_t { kRead, kReadAndWrite };

  // Watches for reading from now on. `fd` must be open, and only closed after this object's end.
  // The callback comes for errors and for the other end's close too: whoever reads learns them.
  FdWatch(Loop& loop, int fd, std::function<void()> callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  void watch(Interest interest);
  void stop();  // until watch() is called again

 private:
  struct Box;
  Box* box_;
};

}  // namespace polyport
