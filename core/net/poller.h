// Poller: the only place that names uv_poll_t, so that the choice can be measured again.
//
// It watches file descriptors that others own and counts its callbacks: after 256 of them, or 1 ms,
// it ends the turn itself, because libuv may stay in its poll phase for 49,152 callbacks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace polyport {

class Loop;
class Turn;

// What a poll is waiting for, or what happened.
enum Interest : std::uint8_t { kNoInterest = 0, kReadable = 1, kWritable = 2, kPollError = 4 };

// Room for a uv_poll_t inside the watcher's owner; poller.cc asserts that it fits.
struct PollHandle {
  alignas(8) std::byte storage[160];
};

// What the owner of a handle wants called; one constant object a kind of owner. Both are noexcept.
struct PollOperations {
  // `events` is a set of Interest. kPollError: the kernel reported an error (a RST, say), the
  // handle has been stopped, and bytes may still be readable.
  void (*ready)(PollHandle& handle, std::uint8_t events) noexcept;
  // The handle's memory may be used again.
  void (*closed)(PollHandle& handle) noexcept;
};

class Poller {
 public:
  // One Poller a loop.
  Poller(Loop& loop, Turn& turn);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Prepares a handle for `fd`, which must be non-blocking and not watched by another handle.
  // False where the kernel refuses (its error is in errno).
  bool open(PollHandle& handle, int fd, const PollOperations& operations);
  // Replaces what it waits for; kNoInterest stops it.
  void set(PollHandle& handle, std::uint8_t interest);
  // Stops watching, then closes `fd` (in this order: libuv aborts the other way round), and calls
  // operations.closed later.
  void close(PollHandle& handle, int fd);
  // The same without closing the descriptor, which another handle may watch from now on.
  void release(PollHandle& handle);

 private:
  Loop& loop_;
  Turn& turn_;
};

}  // namespace polyport
