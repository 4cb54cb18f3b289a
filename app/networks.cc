#include "app/networks.h"

#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>

namespace polyport {
namespace {

// fe80::/10 and 169.254.0.0/16 mean something only together with an interface.
bool is_link_local(const Address& address) {
  if (address.family == Family::kIPv4) return address.ip[0] == 169 && address.ip[1] == 254;
  return address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80;
}

}  // namespace

std::vector<Address> network_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  std::vector<Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    Address address = Address::from(entry->ifa_addr);
    address.port = 0;
    if (!address.is_loopback() && !is_link_local(address)) found.push_back(address);
  }
  freeifaddrs(list);
  std::stable_sort(found.begin(), found.end(), [](const Address& left, const Address& right) {
    return left.family < right.family;
  });
  return found;
}

}  // namespace polyport
