#include "core/http/websocket_memory.h"

#include <utility>

namespace polyport::http {
namespace {

template <class Thing>
std::unique_ptr<Thing> take(std::vector<std::unique_ptr<Thing>>& idle) {
  if (idle.empty()) return std::make_unique<Thing>();
  std::unique_ptr<Thing> thing = std::move(idle.back());
  idle.pop_back();
  return thing;
}

}  // namespace

std::unique_ptr<Draft> WebSocketMemory::take_draft() {
  return take(drafts_);
}

void WebSocketMemory::give_back(std::unique_ptr<Draft> draft) {
  if (drafts_.size() >= kMostIdle || draft->content.capacity() > kMostKeptBytes) return;
  draft->content.clear();
  draft->wire_bytes = 0;
  draft->fragments = 0;
  draft->control_size = 0;
  drafts_.push_back(std::move(draft));
}

std::unique_ptr<Inflater> WebSocketMemory::take_inflater() {
  return take(inflaters_);
}

void WebSocketMemory::give_back(std::unique_ptr<Inflater> inflater) {
  if (inflaters_.size() >= kMostIdle) return;
  inflater->reset();
  inflaters_.push_back(std::move(inflater));
}

Deflater& WebSocketMemory::deflater(int window_bits) {
  auto& deflater = deflaters_[static_cast<std::size_t>(window_bits)];
  if (!deflater) deflater = std::make_unique<Deflater>(window_bits);
  return *deflater;
}

}  // namespace polyport::http
