// ConnectionTable: the slab that all connections of a process live in.
//
// Chunks of 64 slots, lowest free index first, so that the table shrinks again after a peak: an
// empty chunk goes back to the allocator (one is kept). A slot never moves while it is in use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/net/connection.h"

namespace polyport {

class ConnectionTable {
 public:
  explicit ConnectionTable(Network& network) : network_(network) {}
  ~ConnectionTable();
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  Connection& allocate();
  void release(Connection& connection);

  // The connection of that id, or null where it has ended.
  Connection* find(ConnectionId id) const;
  // The slot of that index, in use by contract.
  Connection& at(std::uint32_t index) const {
    return chunks_[index / kSlots]->slot(index % kSlots);
  }

  std::size_t in_use() const { return in_use_; }
  std::size_t chunks() const;  // chunks that own memory

  // Calls `visit(Connection&)` for every slot in use. Nothing may be allocated or released
  // meanwhile.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& chunk : chunks_) {
      if (!chunk) continue;
      for (std::uint32_t i = 0; i < kSlots; ++i) {
        if ((chunk->free & (std::uint64_t{1} << i)) == 0) visit(chunk->slot(i));
      }
    }
  }

  // The network a slot belongs to, without a pointer in each slot.
  static Network& network_of(const Connection& connection);

 private:
  static constexpr std::uint32_t kSlots = 64;

  struct Chunk {
    explicit Chunk(Network* owner) : network(owner) {}
    Connection& slot(std::uint32_t i) {
      return *reinterpret_cast<Connection*>(storage + i * sizeof(Connection));
    }
    // First, so that a slot finds its chunk from its index alone.
    alignas(Connection) std::byte storage[kSlots * sizeof(Connection)];
    Network* network;
    std::uint64_t free = ~std::uint64_t{0};
  };

  Network& network_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::unique_ptr<Chunk> spare_;
  std::size_t first_free_ = 0;  // no chunk before it has a free slot
  std::size_t in_use_ = 0;
  std::uint32_t generation_ = 0;  // one for every connection there ever was
};

}  // namespace polyport
