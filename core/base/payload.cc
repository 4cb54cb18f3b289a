#include "core/base/payload.h"

#include <cstring>
#include <new>

namespace polyport {

Payload Payload::copy(Bytes bytes) {
  return build(bytes.size(), [&](char* data) { std::memcpy(data, bytes.data(), bytes.size()); });
}

Payload Payload::allocate(std::size_t size) {
  void* memory = ::operator new(sizeof(Block) + size);
  auto* block = new (memory) Block{1};
  return Payload(static_cast<char*>(memory) + sizeof(Block), size, block);
}

void Payload::release(Block* block) noexcept {
  ::operator delete(block);
}

}  // namespace polyport
