#include "core/base/payload.h"

#include <cstring>
#include <new>

namespace polyport {

Payload Payload::copy(Bytes bytes) {
  if (bytes.empty()) return {};
  void* memory = ::operator new(sizeof(Block) + bytes.size());
  auto* block = new (memory) Block{1};
  char* data = static_cast<char*>(memory) + sizeof(Block);
  std::memcpy(data, bytes.data(), bytes.size());
  return Payload(data, bytes.size(), block);
}

void Payload::release(Block* block) noexcept {
  ::operator delete(block);
}

}  // namespace polyport
