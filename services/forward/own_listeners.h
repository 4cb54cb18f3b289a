// OwnListeners: whether an address to forward to is a listener of the forwarding service itself,
// which would pass each client on to itself until no descriptor is left.
//
// It sees the plain cases, at the start and when a name gets a new address. Whatever leads back by
// a longer way is stopped by the count of hops (core/net/hop_table.h).
#pragma once

#include <string_view>
#include <vector>

#include "core/service.h"

namespace polyport::services::forward {

class OwnListeners {
 public:
  OwnListeners() = default;
  // Of the service of that name, as they are open now.
  OwnListeners(const HostView& host, std::string_view service);

  bool contain(Transport transport, const DialTarget& target) const;

 private:
  struct Place {
    Transport transport;
    Address address;
    std::string path;  // unix
  };
  std::vector<Place> places_;
};

// The same by the words of the configuration alone: whether what is written after `upstream` is
// among what is written after `listen`.
bool leads_back(const Endpoint& upstream, const Endpoint& listen);

}  // namespace polyport::services::forward
