// WriteQueue: what one connection could not hand to the kernel yet.
//
// Exists only while something is queued: the pool lends one and takes it back empty, so a steady
// state allocates nothing.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "core/base/payload.h"

namespace polyport {

class WriteQueue {
 public:
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
  std::vector<Payload> entries_;
  std::size_t begin_ = 0;   // entries before it are gone
  std::size_t offset_ = 0;  // into the first one
  std::size_t bytes_ = 0;
  bool begun_ = false;  // the kernel has the beginning of the first one
};

class WriteQueuePool {
 public:
  WriteQueue* take();
  void give_back(WriteQueue* queue);  // cleared by this
  ~WriteQueuePool();

 private:
  std::vector<WriteQueue*> idle_;
};

}  // namespace polyport
