#include "services/forward/own_listeners.h"

#include <algorithm>
#include <optional>

namespace polyport::services::forward {

namespace {

bool is_localhost_name(std::string_view host) {
  return !host.empty() && host != "*" && !is_name(host) && !Address::parse_ip(host);
}

bool is_loopback(std::string_view host) {
  if (is_localhost_name(host)) return true;
  const auto address = Address::parse_ip(host);
  return address && address->is_loopback();
}

// Of a listener: every address of this machine.
bool is_everywhere(std::string_view host, std::string_view asked) {
  if (host == "*") return true;
  const auto address = Address::parse_ip(host);
  if (!address || !address->is_any()) return false;
  const auto wanted = Address::parse_ip(asked);
  return !wanted || wanted->family == address->family;
}

}  // namespace

OwnListeners::OwnListeners(const HostView& host, std::string_view service) {
  for (const ServiceStatus& status : host.services()) {
    if (status.name != service) continue;
    for (const ListenerStatus& listener : status.listeners) {
      const bool is_unix = listener.transport == Transport::kUnix;
      places_.push_back({socket_transport(listener.transport), listener.address,
                         is_unix ? listener.bound : std::string()});
    }
  }
}

bool OwnListeners::contain(Transport transport, const DialTarget& target) const {
  return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
    if (place.transport != transport) return false;
    if (transport == Transport::kUnix) return place.path == target.path;
    if (place.address.port != target.address.port) return false;
    if (place.address == target.address) return true;
    // A dual-stack wildcard hears IPv4, too.
    return place.address.is_any() && target.address.is_loopback() &&
           (place.address.family == target.address.family || place.address.family == Family::kIPv6);
  });
}

bool leads_back(const Endpoint& upstream, const Endpoint& listen) {
  if (upstream.transport != socket_transport(listen.transport)) return false;
  if (upstream.transport == Transport::kUnix) return upstream.path == listen.path;
  const std::vector<std::uint16_t> ours = listen.ports();
  const std::vector<std::uint16_t> wanted = upstream.ports();
  const bool port = std::any_of(wanted.begin(), wanted.end(), [&](std::uint16_t each) {
    return each != 0 && std::find(ours.begin(), ours.end(), each) != ours.end();
  });
  if (!port) return false;
  if (upstream.host == listen.host) return true;
  // localhost is every loopback address it may stand for.
  if (is_loopback(upstream.host) && is_everywhere(listen.host, upstream.host)) return true;
  const auto stands_for = [](std::string_view name, std::string_view literal) {
    return is_localhost_name(name) && (literal == "127.0.0.1" || literal == "::1");
  };
  return stands_for(upstream.host, listen.host) || stands_for(listen.host, upstream.host) ||
         (is_localhost_name(upstream.host) && is_localhost_name(listen.host));
}

}  // namespace polyport::services::forward
