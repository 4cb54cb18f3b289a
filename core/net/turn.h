// Turn: the unit in which the loop gets its work done, ours and not libuv's.
//
// libuv stays in its poll phase for up to 48 rounds of 1,024 events; whatever waits for the end of
// a round would wait 100 ms and more under load. So the turn ends after 256 callbacks or 1 ms of
// them, and in any case before the loop sleeps.
#pragma once

#include <cstdint>
#include <memory>

#include "core/loop/loop.h"
#include "core/net/loop_load.h"

namespace polyport {

inline constexpr std::uint32_t kCallbacksPerTurn = 256;

class Turn {
 public:
  // What is done when a turn ends. Returns whether work is left: the loop then comes back at once.
  class Work {
   public:
    virtual bool end_of_turn() noexcept = 0;

   protected:
    ~Work() = default;
  };

  Turn(Loop& loop, Work& work);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  // Called by the poller before each of its callbacks.
  void begin_callback() {
    if (asleep_) wake();
  }
  // And after it.
  void count_callback() {
    if (++callbacks_ >= kCallbacksPerTurn || (callbacks_ % 8 == 0 && overdue())) end();
  }
  // The turn ends after the callback that is running, as if so many had been before it.
  void hurry() { callbacks_ = kCallbacksPerTurn - 1; }
  void end() noexcept;
  // Makes the loop come back without sleeping, to end a turn. For work made outside any callback.
  void request();

  const LoopLoad& load() const { return load_; }
  std::uint64_t count() const { return count_; }                    // turns ended so far
  std::uint32_t most_callbacks() const { return most_callbacks_; }  // of any turn

 private:
  struct Handles;
  bool overdue() const;
  void wake();
  void note_length(std::uint64_t now_ns);
  void fall_asleep();

  Loop& loop_;
  Work& work_;
  Handles* handles_;
  std::uint64_t began_ns_ = 0;
  std::uint64_t count_ = 0;
  std::uint32_t callbacks_ = 0;
  std::uint32_t most_callbacks_ = 0;
  bool asleep_ = false;        // nothing has called back since the loop last waited for events
  bool slept_ = false;         // the turn began with that
  bool wake_wanted_ = false;   // and its beginning is to be measured
  std::uint64_t woke_ns_ = 0;  // then
  std::uint64_t woke_ms_ = 0;  // by the loop's clock, otherwise
  LoopLoad load_;
};

}  // namespace polyport
