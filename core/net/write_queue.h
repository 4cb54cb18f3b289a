// WriteQueue: what one connection could not hand to the kernel yet.
//
// Exists only while something is queued: the pool lends one and takes it back empty, so a steady
// state allocates nothing.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/payload.h"

namespace polyport {

// The bytes in the queues of a service, or of all of them. Every reference to a payload counts.
struct QueueLedger {
  std::uint64_t limit = 0;  // 0: none
  std::uint64_t bytes = 0;

  bool relieving = false;  // see wants_less

  bool over() const { return limit != 0 && bytes > limit; }
  // From when it is over until it is at 7/8: enough must go that it is not over again at once.
  bool wants_less() {
    relieving = relieving ? bytes > limit - limit / 8 : over();
    return relieving;
  }
};

class WriteQueuePool;

class WriteQueue {
 public:
  explicit WriteQueue(WriteQueuePool& pool) : pool_(pool) {}
  void push(Payload payload);
  // The same for what is left of bytes whose beginning the kernel has taken already.
  void push_rest(Payload rest);
  bool empty() const { return begin_ == entries_.size(); }
  std::size_t bytes() const { return bytes_; }

  // Fills at most `most` pieces with what comes first; returns how many.
  std::size_t pieces(iovec* out, std::size_t most) const;
  // The kernel took this many bytes of it.
  void consume(std::size_t bytes);
  // Drops every payload that is not begun.
  void drop_unsent();
  void clear();

 private:
  friend class WriteQueuePool;
  void count_in(std::size_t bytes);
  void count_out(std::size_t bytes);

  WriteQueuePool& pool_;
  QueueLedger* ledger_ = nullptr;  // of the service
  std::vector<Payload> entries_;
  std::size_t begin_ = 0;   // entries before it are gone
  std::size_t offset_ = 0;  // into the first one
  std::size_t bytes_ = 0;
  bool begun_ = false;  // the kernel has the beginning of the first one
};

class WriteQueuePool {
 public:
  explicit WriteQueuePool(std::uint64_t limit) : all_{.limit = limit} {}
  ~WriteQueuePool();
  WriteQueuePool(const WriteQueuePool&) = delete;
  WriteQueuePool& operator=(const WriteQueuePool&) = delete;

  // What is queued counts in `ledger`, if there is one, which outlives the queue.
  WriteQueue* take(QueueLedger* ledger);
  void give_back(WriteQueue* queue);  // cleared by this

  QueueLedger& all() { return all_; }
  const QueueLedger& all() const { return all_; }
  // Whether a ledger has been over its limit since this was asked last.
  bool take_over() { return std::exchange(over_, false); }

 private:
  friend class WriteQueue;
  QueueLedger all_;
  bool over_ = false;
  std::vector<WriteQueue*> idle_;
};

}  // namespace polyport
