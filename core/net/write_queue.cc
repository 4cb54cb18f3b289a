#include "core/net/write_queue.h"

#include <algorithm>

#include "core/base/assert.h"

namespace polyport {

void WriteQueue::count_in(std::size_t bytes) {
  bytes_ += bytes;
  pool_.all_.bytes += bytes;
  if (ledger_ != nullptr) ledger_->bytes += bytes;
  if (pool_.all_.over() || (ledger_ != nullptr && ledger_->over())) pool_.over_ = true;
}

void WriteQueue::count_out(std::size_t bytes) {
  bytes_ -= bytes;
  pool_.all_.bytes -= bytes;
  if (ledger_ != nullptr) ledger_->bytes -= bytes;
}

void WriteQueue::push(Payload payload) {
  if (payload.empty()) return;
  // Reclaim the front once it is the larger half: constant cost a payload, no unbounded growth.
  if (begin_ > 32 && begin_ * 2 > entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  count_in(payload.size());
  entries_.push_back(std::move(payload));
}

void WriteQueue::push_rest(Payload rest) {
  POLYPORT_ASSERT(empty());
  push(std::move(rest));
  begun_ = !empty();
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
  count_out(bytes);
  while (bytes > 0) {
    Payload& first = entries_[begin_];
    const std::size_t left = first.size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      begun_ = true;
      return;
    }
    bytes -= left;
    offset_ = 0;
    begun_ = false;
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
  entries_.resize(begun_ ? begin_ + 1 : begin_);
  count_out(bytes_ - (begun_ ? entries_[begin_].size() - offset_ : 0));
}

void WriteQueue::clear() {
  entries_.clear();
  count_out(bytes_);
  begin_ = offset_ = 0;
  begun_ = false;
}

WriteQueue* WriteQueuePool::take(QueueLedger* ledger) {
  WriteQueue* queue = nullptr;
  if (idle_.empty()) {
    queue = new WriteQueue(*this);
  } else {
    queue = idle_.back();
    idle_.pop_back();
  }
  queue->ledger_ = ledger;
  return queue;
}

void WriteQueuePool::give_back(WriteQueue* queue) {
  queue->clear();
  queue->ledger_ = nullptr;
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
