#include "core/net/admission.h"

#include <algorithm>
#include <string_view>

namespace polyport {

std::size_t Admission::Hash::operator()(const Address& address) const {
  const auto* bytes = reinterpret_cast<const char*>(address.ip.data());
  return std::hash<std::string_view>()({bytes, address.ip.size()});
}

Address Admission::counted_as(const Address& peer) {
  Address key = peer;
  key.port = 0;
  key.scope_id = 0;
  if (key.family == Family::kIPv6) std::fill(key.ip.begin() + 8, key.ip.end(), std::uint8_t{0});
  return key;
}

bool Admission::admit(const Address& peer) {
  if (limits_.per_address != 0) {
    std::uint64_t& count = per_address_[counted_as(peer)];
    if (count >= limits_.per_address) return false;
    ++count;
  }
  ++open_;
  rate_.take();
  return true;
}

void Admission::leave(const Address& peer) {
  --open_;
  if (limits_.per_address == 0) return;
  const auto entry = per_address_.find(counted_as(peer));
  if (entry != per_address_.end() && --entry->second == 0) per_address_.erase(entry);
}

}  // namespace polyport
