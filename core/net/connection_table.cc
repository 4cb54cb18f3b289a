#include "core/net/connection_table.h"

#include <algorithm>
#include <bit>
#include <new>

#include "core/base/assert.h"

namespace polyport {

static_assert(sizeof(Connection) <= 272, "the slot is a promise: docs/architecture.md");

ConnectionTable::~ConnectionTable() {
  POLYPORT_ASSERT(in_use_ == 0);
}

Connection& ConnectionTable::allocate() {
  while (first_free_ < chunks_.size() && chunks_[first_free_] && chunks_[first_free_]->free == 0) {
    ++first_free_;
  }
  if (first_free_ == chunks_.size()) chunks_.emplace_back();
  auto& chunk = chunks_[first_free_];
  if (!chunk) chunk = spare_ ? std::move(spare_) : std::make_unique<Chunk>(&network_);

  const auto slot = static_cast<std::uint32_t>(std::countr_zero(chunk->free));
  chunk->free &= chunk->free - 1;
  ++in_use_;
  auto* connection = new (&chunk->slot(slot)) Connection;
  connection->index_ = static_cast<std::uint32_t>(first_free_) * kSlots + slot;
  if (++generation_ == 0) generation_ = 1;  // 0 names no connection
  connection->generation_ = generation_;
  return *connection;
}

void ConnectionTable::release(Connection& connection) {
  const std::size_t number = connection.index_ / kSlots;
  const std::uint32_t slot = connection.index_ % kSlots;
  connection.~Connection();
  Chunk& chunk = *chunks_[number];
  chunk.free |= std::uint64_t{1} << slot;
  --in_use_;
  first_free_ = std::min(first_free_, number);
  if (~chunk.free == 0) spare_ = std::move(chunks_[number]);
  while (!chunks_.empty() && !chunks_.back())
    chunks_.pop_back();
  first_free_ = std::min(first_free_, chunks_.size());
}

Connection* ConnectionTable::find(ConnectionId id) const {
  const std::size_t number = id.index / kSlots;
  if (!id || number >= chunks_.size() || !chunks_[number]) return nullptr;
  Chunk& chunk = *chunks_[number];
  const std::uint32_t slot = id.index % kSlots;
  if ((chunk.free >> slot & 1) != 0) return nullptr;
  Connection& connection = chunk.slot(slot);
  if (connection.generation_ != id.generation) return nullptr;
  return (connection.flags_ & Connection::kClosing) != 0 ? nullptr : &connection;
}

std::size_t ConnectionTable::chunks() const {
  return static_cast<std::size_t>(
             std::count_if(chunks_.begin(), chunks_.end(), [](auto& c) { return c != nullptr; })) +
         (spare_ ? 1 : 0);
}

Network& ConnectionTable::network_of(const Connection& connection) {
  const auto* first = reinterpret_cast<const std::byte*>(&connection) -
                      (connection.index_ % kSlots) * sizeof(Connection);
  return *reinterpret_cast<const Chunk*>(first)->network;
}

}  // namespace polyport
