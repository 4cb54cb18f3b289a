#include "core/net/write_queue.h"

#include <algorithm>

#include "core/base/assert.h"

namespace polyport {

void WriteQueue::push(Payload payload) {
  if (payload.empty()) return;
  // Reclaim the front once it is the larger half: constant cost a payload, no unbounded growth.
  if (begin_ > 32 && begin_ * 2 > entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  bytes_ += payload.size();
  entries_.push_back(std::move(payload));
}

std::size_t WriteQueue::pieces(iovec* out, std::size_t most) const {
  const std::size_t count = std::min(most, entries_.size() - begin_);
  for (std::size_t i = 0; i < count; ++i) {
    Bytes bytes = entries_[begin_ + i].bytes();
    if (i == 0) bytes.remove_prefix(offset_);
    out[i] = {const_cast<char*>(bytes.data()), bytes.size()};
  }
  return count;
}

void WriteQueue::consume(std::size_t bytes) {
  POLYPORT_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes > 0) {
    Payload& first = entries_[begin_];
    const std::size_t left = first.size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    offset_ = 0;
    first = Payload();
    ++begin_;
  }
  if (empty()) {
    entries_.clear();
    begin_ = 0;
  }
}

void WriteQueue::drop_unsent() {
  if (empty()) return;
  const std::size_t keep = offset_ > 0 ? begin_ + 1 : begin_;
  entries_.resize(keep);
  bytes_ = offset_ > 0 ? entries_[begin_].size() - offset_ : 0;
}

void WriteQueue::clear() {
  entries_.clear();
  begin_ = offset_ = bytes_ = 0;
}

WriteQueue* WriteQueuePool::take() {
  if (idle_.empty()) return new WriteQueue;
  WriteQueue* queue = idle_.back();
  idle_.pop_back();
  return queue;
}

void WriteQueuePool::give_back(WriteQueue* queue) {
  queue->clear();
  constexpr std::size_t kKept = 64;
  if (idle_.size() < kKept) {
    idle_.push_back(queue);
  } else {
    delete queue;
  }
}

WriteQueuePool::~WriteQueuePool() {
  for (WriteQueue* queue : idle_)
    delete queue;
}

}  // namespace polyport
