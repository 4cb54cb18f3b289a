// Payload: immutable bytes that many write queues share.
//
// One allocation holds the count and the bytes; the count is not atomic because a Payload never
// leaves the loop's thread. A literal has no count and is never freed. A chat line is built once
// and N queues hold N references to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/bytes.h"

namespace polyport {

class Payload {
 public:
  Payload() = default;
  static Payload copy(Bytes bytes);
  // `size` bytes, which `fill(char*)` writes.
  template <class Fill>
  static Payload build(std::size_t size, Fill fill) {
    if (size == 0) return {};
    Payload payload = allocate(size);
    fill(const_cast<char*>(payload.data_));
    return payload;
  }
  // `bytes` must live as long as the process.
  static Payload literal(Bytes bytes) { return Payload(bytes.data(), bytes.size(), nullptr); }

  Payload(const Payload& other) noexcept
      : data_(other.data_), size_(other.size_), block_(other.block_) {
    if (block_ != nullptr) ++block_->references;
  }
  Payload(Payload&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        block_(std::exchange(other.block_, nullptr)) {}
  Payload& operator=(Payload other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Payload() {
    if (block_ != nullptr && --block_->references == 0) release(block_);
  }

  Bytes bytes() const { return {data_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  struct Block {
    std::uint32_t references;
  };
  Payload(const char* data, std::size_t size, Block* block)
      : data_(data), size_(size), block_(block) {}
  static Payload allocate(std::size_t size);
  static void release(Block* block) noexcept;

  const char* data_ = nullptr;
  std::size_t size_ = 0;
  Block* block_ = nullptr;
};

}  // namespace polyport
