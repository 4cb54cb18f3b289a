// AnswerTimes: how long requests take, from their first byte read to the last byte of the answer
// given to the kernel.
//
// One in 32 is measured, so that the clock is not read for the others. Whoever takes a request
// apart asks due() at its first byte, and tells begin() when the answer is complete; when the
// connection has nothing queued any more, the answer has left.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/histogram.h"
#include "core/net/connection_id.h"

namespace polyport {

class AnswerTimes {
 public:
  static constexpr std::uint32_t kOneOf = 32;

  AnswerTimes() {
    times_.reserve(kMostNs);
    waiting_.reserve(kUsuallyWaiting);
  }

  // Whether this request is one to measure; ask once a request.
  bool due() { return ++asked_ % kOneOf == 0; }
  static std::uint64_t now_ns();

  // The answer is complete and may still be queued.
  void wait_for(ConnectionId id, std::uint64_t began_ns) { waiting_.push_back({id, began_ns}); }
  bool waits() const { return !waiting_.empty(); }
  enum class Left : std::uint8_t { kYes, kNotYet, kGone };
  // Looks at those that wait; `left(id)` answers Left.
  template <class Ask>
  void settle(Ask left) {
    const std::uint64_t now = now_ns();
    std::size_t kept = 0;
    for (const Waiting& one : waiting_) {
      const Left answer = left(one.id);
      if (answer == Left::kYes) times_.record(now - one.began_ns);
      if (answer == Left::kNotYet) waiting_[kept++] = one;
    }
    waiting_.resize(kept);
  }

  const Histogram& times() const { return times_; }  // nanoseconds

 private:
  static constexpr std::uint64_t kMostNs = 60'000'000'000;  // longer times cost an allocation
  static constexpr std::size_t kUsuallyWaiting = 16;

  struct Waiting {
    ConnectionId id;
    std::uint64_t began_ns = 0;
  };

  std::vector<Waiting> waiting_;
  std::uint32_t asked_ = 0;
  Histogram times_;
};

}  // namespace polyport
