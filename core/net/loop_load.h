// LoopLoad: how busy the loop is, and how long its turns take.
//
// It must cost next to nothing, so it reads no clock of its own in most turns. The end of a turn is
// known (Turn reads the clock there anyway). A turn that began without a sleep before it began at
// the end of the last one. Of a turn that began with one, the loop's own millisecond clock says
// when, which is good enough for a long turn; of the short ones every sixteenth is measured, with
// one more look at the clock, and stands for sixteen. Pure.
#pragma once

#include <cstdint>

#include "core/base/histogram.h"

namespace polyport {

class LoopLoad {
 public:
  static constexpr std::uint32_t kOneOf = 16;
  // Shorter turns are not told apart.
  static constexpr std::uint64_t kLongNs = 3'000'000;

  LoopLoad() { long_turns_.reserve(kMostNs); }

  // Whether the beginning of the turn that follows a sleep is wanted: ask once a sleep.
  bool wants_wake() { return ++sleeps_ % kOneOf == 0; }

  // A turn has ended that took `length_ns`, and had begun without a sleep.
  void turn_went_on(std::uint64_t length_ns) { add(length_ns, length_ns, 1); }
  // The same for one whose beginning after a sleep was measured.
  void turn_measured(std::uint64_t length_ns) {
    add(length_ns, length_ns, length_ns >= kLongNs ? 1 : kOneOf);
  }
  // And for one whose beginning is known to the millisecond, rounded down.
  void turn_estimated(std::uint64_t length_ns) {
    const std::uint64_t likely = length_ns > kRoundedNs ? length_ns - kRoundedNs : 0;
    add(length_ns, likely, length_ns >= kLongNs ? 1 : 0);
  }

  // Time spent in turns since the start, all the rest being sleep: an estimate.
  std::uint64_t busy_ns() const { return busy_ns_; }
  // Turns of kLongNs and more, nanoseconds.
  const Histogram& long_turns() const { return long_turns_; }

 private:
  static constexpr std::uint64_t kMostNs = 60'000'000'000;  // longer turns cost an allocation
  static constexpr std::uint64_t kRoundedNs = 500'000;      // on average

  void add(std::uint64_t length_ns, std::uint64_t likely_ns, std::uint32_t weight) {
    busy_ns_ += likely_ns * weight;
    if (length_ns >= kLongNs) long_turns_.record(likely_ns);
  }

  std::uint64_t busy_ns_ = 0;
  std::uint32_t sleeps_ = 0;
  Histogram long_turns_;
};

}  // namespace polyport
