#include "core/net/address_counts.h"

#include <cstring>
#include <limits>
#include <random>
#include <utility>

namespace polyport {

AddressCounts::AddressCounts() : slots_(kLeast) {
  std::random_device random;
  for (std::uint64_t& part : secret_)
    part = (std::uint64_t{random()} << 32 | random()) | 1;
}

AddressCounts::Slot AddressCounts::slot_of(const Address& peer) {
  Slot slot;
  slot.family = peer.family;
  // The first eight bytes: a /64, an IPv4 address with zeros behind it, the number of a user.
  std::memcpy(&slot.bits, peer.ip.data(), sizeof slot.bits);
  return slot;
}

std::size_t AddressCounts::place(const Slot& slot) const {
  std::uint64_t hash = (slot.bits ^ secret_[0]) + static_cast<std::uint64_t>(slot.family);
  for (int round = 0; round < 2; ++round) {
    hash *= secret_[1];
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return static_cast<std::size_t>(hash) & (slots_.size() - 1);
}

AddressCounts::Slot& AddressCounts::find(const Slot& wanted) {
  std::size_t i = place(wanted);
  while (slots_[i].count != 0 &&
         (slots_[i].bits != wanted.bits || slots_[i].family != wanted.family)) {
    i = (i + 1) & (slots_.size() - 1);
  }
  return slots_[i];
}

bool AddressCounts::add(const Address& peer, std::uint64_t most) {
  Slot wanted = slot_of(peer);
  Slot* slot = &find(wanted);
  if (slot->count >= most || slot->count == std::numeric_limits<std::uint32_t>::max()) return false;
  if (slot->count == 0) {
    if ((used_ + 1) * 2 > slots_.size()) {
      resize(slots_.size() * 2);
      slot = &find(wanted);
    }
    ++used_;
    *slot = wanted;
  }
  ++slot->count;
  return true;
}

void AddressCounts::remove(const Address& peer) {
  Slot& slot = find(slot_of(peer));
  if (slot.count == 0 || --slot.count > 0) return;
  --used_;
  // Those behind it that were pushed on move up, so that none is looked for in vain.
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = static_cast<std::size_t>(&slot - slots_.data());
  for (std::size_t i = (hole + 1) & mask; slots_[i].count != 0; i = (i + 1) & mask) {
    if (((i - place(slots_[i])) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    slots_[i] = Slot();
    hole = i;
  }
  if (slots_.size() > kLeast && used_ * 8 < slots_.size()) resize(slots_.size() / 2);
}

void AddressCounts::resize(std::size_t capacity) {
  std::vector<Slot> old(capacity);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.count != 0) find(slot) = slot;
  }
}

}  // namespace polyport
