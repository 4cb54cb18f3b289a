// MemoryLedger: what the connections of one service hold, against the ceiling of the service.
//
// That is what is queued for them, and what was received of requests and messages that are not
// complete. The first is counted as it is queued, the second is asked for whenever something has
// happened to a connection (Network::note_held), so nobody has to walk all connections to know it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/net/write_queue.h"

namespace polyport {

class MemoryLedger {
 public:
  // `queued` is of the same service. `limit` in bytes, 0: there is none, and nothing is counted.
  MemoryLedger(const QueueLedger& queued, std::uint64_t limit) : queued_(queued), limit_(limit) {}

  std::uint64_t limit() const { return limit_; }
  std::uint64_t bytes() const { return queued_.bytes + held_; }
  // The marks of MemoryWatch: from 7/8 on nobody new is let in, from 15/16 on those who hold most
  // go, until it is at 7/8 again.
  bool is_near() const { return limit_ != 0 && bytes() > limit_ - limit_ / 8; }
  bool is_over() const { return limit_ != 0 && bytes() > limit_ - limit_ / 16; }

  // The connection in this slot of the table has so much half received now.
  void note(std::uint32_t slot, std::size_t bytes) {
    if (slot >= counted_.size()) {
      if (bytes == 0) return;
      counted_.resize(slot + 1);
    }
    held_ += bytes - counted_[slot];  // modulo 2^64: the sum is right
    counted_[slot] = bytes;
  }

 private:
  const QueueLedger& queued_;
  std::uint64_t limit_;
  std::uint64_t held_ = 0;
  std::vector<std::size_t> counted_;  // by slot; as long as the highest that ever held something
};

}  // namespace polyport
