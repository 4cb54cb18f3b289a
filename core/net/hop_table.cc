#include "core/net/hop_table.h"

namespace polyport {

std::size_t HopTable::row_of(const Address& address) {
  std::size_t hash = 1469598103934665603u ^ address.port;
  for (const std::uint8_t byte : address.ip)
    hash = (hash ^ byte) * 1099511628211u;
  return (hash ^ hash >> 32) % kRows;
}

void HopTable::note(const Address& local, std::uint8_t hops, std::uint64_t now_ms) {
  if (!local.is_ip()) return;
  if (!rows_) rows_ = std::make_unique<Note[]>(kRows);
  rows_[row_of(local)] = {local, hops, now_ms + kLifeMs};
}

std::uint8_t HopTable::hops_of(const Address& peer, std::uint64_t now_ms) const {
  if (!rows_) return 0;
  const Note& note = rows_[row_of(peer)];
  return note.local == peer && now_ms < note.expires_ms ? note.hops : 0;
}

}  // namespace polyport
