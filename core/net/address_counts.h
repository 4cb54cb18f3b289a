// AddressCounts: how many connections each address has, for a limit of them.
//
// IPv6 hosts have a /64 to choose addresses from, so that is what counts as one; on a unix socket
// a user does. A table with open addressing, keyed by a secret, so that nobody can choose
// addresses that meet: a client costs no allocation, and no walk.
#pragma once

#include <cstdint>
#include <vector>

#include "core/socket/address.h"

namespace polyport {

class AddressCounts {
 public:
  AddressCounts();

  // One more of `peer`; false, and nothing counted, where it has `most` already.
  bool add(const Address& peer, std::uint64_t most);
  void remove(const Address& peer);
  std::size_t addresses() const { return used_; }
  std::size_t capacity() const { return slots_.size(); }

 private:
  struct Slot {
    std::uint64_t bits = 0;   // of the address, as far as they count
    std::uint32_t count = 0;  // 0: free
    Family family = Family::kNone;
  };
  static constexpr std::size_t kLeast = 64;

  static Slot slot_of(const Address& peer);
  std::size_t place(const Slot& slot) const;
  // Where it is, or the free slot where it would be.
  Slot& find(const Slot& wanted);
  void resize(std::size_t capacity);

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint64_t secret_[2];
};

}  // namespace polyport
