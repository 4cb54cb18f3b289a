#include "core/ports/published_services.h"

#include <algorithm>

#include "core/base/json_value.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::size_t kMostListeners = 20'000;
constexpr std::size_t kShownServiceBytes = 100;
constexpr std::size_t kShownPlaceBytes = 200;

// "127.0.0.1:80" or "[::1]:80", as Address::text() writes them.
std::optional<Address> parse_bound(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view ip = text.substr(0, colon);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  return Address::parse_ip(ip, *port);
}

std::optional<PublishedListener> parse_listener(const JsonValue& value) {
  PublishedListener listener;
  const std::string_view bound = value.text_of("bound");
  const std::string_view transport = value.text_of("transport");
  if (transport == name(Transport::kUnix)) {
    listener.transport = Transport::kUnix;
    listener.address.family = Family::kUnix;
    listener.path = bound;
    if (bound.empty()) return std::nullopt;
    return listener;
  }
  const auto known = std::find_if(kAllTransports.begin(), kAllTransports.end(),
                                  [transport](Transport each) { return name(each) == transport; });
  if (known == kAllTransports.end()) return std::nullopt;
  listener.transport = socket_transport(*known);
  const auto address = parse_bound(bound);
  if (!address) return std::nullopt;
  listener.address = *address;
  return listener;
}

bool came_to(const KernelSocket& socket, const PublishedListener& listener) {
  const Address& local = socket.local;
  if (socket.transport != listener.transport) return false;
  if (socket.transport == Transport::kUnix) return socket.path == listener.path;
  if (local.port != listener.address.port) return false;
  const bool server =
      socket.state == SocketState::kListening || socket.state == SocketState::kBound;
  if (local == listener.address) return true;
  // [::] takes IPv4 connections too, where it is not for IPv6 alone.
  return !server && listener.address.is_any() &&
         (local.family == listener.address.family || socket.ipv6_socket);
}

}  // namespace

std::vector<PublishedListener> parse_published_services(Bytes text) {
  const auto tree = JsonValue::parse(text);
  const JsonValue* const services = tree ? tree->find("services") : nullptr;
  if (services == nullptr) return {};
  std::vector<PublishedListener> found;
  for (const JsonValue& service : services->items()) {
    const JsonValue* const listeners = service.find("listeners");
    if (listeners == nullptr) continue;
    for (const JsonValue& each : listeners->items()) {
      if (found.size() == kMostListeners) return found;
      auto listener = parse_listener(each);
      if (!listener) continue;
      listener->service = printable(service.text_of("name"), kShownServiceBytes);
      listener->where = printable(each.text_of("where"), kShownPlaceBytes);
      found.push_back(std::move(*listener));
    }
  }
  return found;
}

const PublishedListener* listener_of(const KernelSocket& socket,
                                     std::span<const PublishedListener> listeners) {
  const auto listener =
      std::find_if(listeners.begin(), listeners.end(),
                   [&](const PublishedListener& each) { return came_to(socket, each); });
  return listener == listeners.end() ? nullptr : &*listener;
}

std::string service_of(const KernelSocket& socket, std::span<const PublishedListener> listeners) {
  const PublishedListener* const listener = listener_of(socket, listeners);
  return listener == nullptr ? std::string() : listener->service;
}

}  // namespace polyport
