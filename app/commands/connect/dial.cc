// Reading where to connect, and connecting.
#include "app/commands/connect/dial.h"

#include <cerrno>
#include <utility>

#include "core/base/text.h"
#include "core/ports/resolve.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

tl::unexpected<Error> unusable(std::string_view text, std::string what, std::string hint) {
  return failure(ErrorCode::kBadValue, std::move(what), printable(text, 60), std::move(hint));
}

tl::unexpected<Error> at(std::string_view text, Error error) {
  error.where = printable(text, 60);
  return tl::unexpected(std::move(error));
}

Result<Endpoint> read_target(std::string_view target) {
  auto endpoint = parse_endpoint(target);
  if (!endpoint) return at(target, std::move(endpoint.error()));
  if (endpoint->transport == Transport::kUnix) return endpoint;
  if (has_websocket(endpoint->transport)) {
    return unusable(target, "this client speaks no WebSocket",
                    "python3 -m websockets does, and every browser");
  }
  if (endpoint->first_port != endpoint->last_port) {
    return unusable(target, "a connection goes to one port, not to a range", "name one of them");
  }
  if (endpoint->first_port == 0) {
    return unusable(target, "nobody can be reached on port 0",
                    "a listener on port 0 gets a real number; connect to that one");
  }
  if (endpoint->host == "*") {
    return unusable(target, "* is every address of this machine, to listen on",
                    "connect to one of them: localhost:" + std::to_string(endpoint->first_port));
  }
  return endpoint;
}

// "" , ":40007", "127.0.0.1:40007" into the near ends.
Result<Destination> read_near_end(std::string_view bind, Destination destination) {
  if (bind.empty()) return destination;
  if (destination.transport == Transport::kUnix) {
    return unusable(bind, "a unix socket has no port to bind", "leave out --bind");
  }
  const std::string text = bind.starts_with(':') ? "*" + std::string(bind) : std::string(bind);
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return at(bind, endpoint.error());
  if (endpoint->transport == Transport::kUnix || text.find("://") != std::string::npos ||
      endpoint->first_port != endpoint->last_port) {
    return unusable(bind, "--bind takes an address and one port",
                    "for example 127.0.0.1:40007 or :40007");
  }
  const std::uint16_t port = endpoint->first_port;
  if (endpoint->host == "*") {
    destination.local_ipv4 = Address::any(Family::kIPv4, port);
    destination.local_ipv6 = Address::any(Family::kIPv6, port);
    return destination;
  }
  const auto found = look_up(endpoint->host);
  if (!found) return at(bind, found.error());
  for (Address address : found->addresses) {
    address.port = port;
    Address& near =
        address.family == Family::kIPv4 ? destination.local_ipv4 : destination.local_ipv6;
    if (near.family == Family::kNone) near = address;
  }
  return destination;
}

// An address of one family cannot be left from an address of the other.
Result<Destination> without_unreachable(std::string_view bind, Destination destination) {
  if (bind.empty()) return destination;
  std::erase_if(destination.addresses, [&](const Address& address) {
    const Address& near =
        address.family == Family::kIPv4 ? destination.local_ipv4 : destination.local_ipv6;
    return near.family == Family::kNone;
  });
  if (destination.addresses.empty()) {
    return unusable(bind, "the near end is of another IP family than the target",
                    "write both as IPv4 or both as IPv6, or --bind :PORT");
  }
  return destination;
}

int connect_socket(ClientSocket& socket, const Destination& destination, const Address& address,
                   ClientSocket::Deadline deadline) {
  return destination.transport == Transport::kUnix ? socket.connect_unix(destination.path, deadline)
                                                   : socket.connect(address, deadline);
}

Failure dial_one(ClientSocket& socket, const Destination& destination, const Address& address,
                 milliseconds wait) {
  const auto kind = destination.transport == Transport::kUdp ? ClientSocket::Kind::kDatagram
                                                             : ClientSocket::Kind::kStream;
  const Address near =
      address.family == Family::kIPv6 ? destination.local_ipv6 : destination.local_ipv4;
  const Ends ends{destination.transport, near, address, destination.path};
  using Step = Failure::Step;
  if (const int error = socket.open(kind, address.family); error != 0) {
    return {Step::kSocket, error, ends, wait};
  }
  if (near.family != Family::kNone) {
    if (const int error = socket.bind(near); error != 0) return {Step::kBind, error, ends, wait};
  }
  const int error = connect_socket(socket, destination, address, steady_clock::now() + wait);
  return {Step::kConnect, error, ends, wait};
}

}  // namespace

Result<Destination> read_destination(std::string_view target, std::string_view bind) {
  auto endpoint = read_target(target);
  if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
  Destination destination;
  destination.transport = endpoint->transport;
  if (endpoint->transport == Transport::kUnix) {
    destination.path = endpoint->path;
    destination.addresses = {Address::any(Family::kUnix)};
    return read_near_end(bind, std::move(destination));
  }
  destination.host = endpoint->host;
  auto found = look_up(endpoint->host);
  if (!found) return at(target, std::move(found.error()));
  destination.addresses = std::move(found->addresses);
  for (Address& address : destination.addresses)
    address.port = endpoint->first_port;
  return read_near_end(bind, std::move(destination)).and_then([&](Destination&& read) {
    return without_unreachable(bind, std::move(read));
  });
}

Dialled dial(const Destination& destination, milliseconds wait) {
  Dialled result;
  const auto deadline = steady_clock::now() + wait;
  for (std::size_t i = 0; i < destination.addresses.size(); ++i) {
    const auto left =
        std::max(milliseconds(0), std::chrono::ceil<milliseconds>(deadline - steady_clock::now()));
    // Each gets its share of what is left, so that one silent address does not use up all of it.
    const auto share = left / static_cast<int>(destination.addresses.size() - i);
    const Failure tried = dial_one(result.socket, destination, destination.addresses[i], share);
    if (tried.error == 0) {
      result.connected = true;
      result.ends = {destination.transport, result.socket.local(), destination.addresses[i],
                     destination.path};
      return result;
    }
    result.failures.push_back(tried);
  }
  result.socket.close();
  return result;
}

}  // namespace polyport
