// MemoryWatch: how much memory this process has (resident pages, what a container's limit counts
// too), against its ceiling.
//
// Has no timer: it looks when it is asked, every 10 ms at most (from seven eighths of the limit on
// every 1 ms), so that an idle process sleeps. What is done about it is Network's business
// (core/net/shed.cc).
#pragma once

#include <cstdint>
#include <string>

namespace polyport {

class MemoryWatch {
 public:
  // `limit` in bytes, 0: there is none, and nothing is looked at. `file` has the form of
  // /proc/PID/statm.
  explicit MemoryWatch(std::uint64_t limit, const std::string& file = "/proc/self/statm");
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // Looks, if the last look was kEveryMs ago (near the limit: kNearEveryMs). True where it did.
  bool look(std::uint64_t now_ms);
  void look_now();

  std::uint64_t limit() const { return limit_; }
  std::uint64_t bytes() const { return bytes_; }
  // From here on nobody new is let in, and what is idle may go: 7/8 of the limit.
  bool is_near() const { return limit_ != 0 && bytes_ > near_bytes(); }
  // From here on those who hold most go: 15/16 of it.
  bool is_over() const { return limit_ != 0 && bytes_ > limit_ - limit_ / 16; }
  std::uint64_t near_bytes() const { return limit_ - limit_ / 8; }

  // Gives what the allocator keeps free back to the system.
  static void trim();

 private:
  static constexpr std::uint64_t kEveryMs = 10;
  static constexpr std::uint64_t kNearEveryMs = 1;

  std::uint64_t limit_;
  int fd_ = -1;
  std::uint64_t page_bytes_ = 4096;
  std::uint64_t bytes_ = 0;
  std::uint64_t looked_ms_ = 0;
};

}  // namespace polyport
