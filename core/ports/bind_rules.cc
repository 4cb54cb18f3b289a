// Measured on Linux 6.18: the table in docs/ports.md, and tests/data/bind_matrix.json.
#include "core/ports/bind_rules.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"

namespace polyport {
namespace {

struct Row {
  BindRule rule;
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array kRows = std::to_array<Row>({
    {BindRule::kNone, "none", ""},
    {BindRule::kSameEndpoint, "same_endpoint",
     "two sockets cannot have one address and one port (on Linux SO_REUSEADDR does not change that "
     "while the other one listens)"},
    {BindRule::kWildcardOverSpecific, "wildcard_over_specific",
     "a socket for every address needs the port on each of them, and one has it already"},
    {BindRule::kSpecificUnderWildcard, "specific_under_wildcard",
     "a socket for every address has the port on this address too"},
    {BindRule::kDualStackOverIpv4, "dual_stack_over_ipv4",
     "[::] for both families takes the port of IPv4 as well, and an IPv4 socket has it"},
    {BindRule::kIpv4UnderDualStack, "ipv4_under_dual_stack",
     "[::] without IPV6_V6ONLY has the port of IPv4 as well"},
    {BindRule::kBoundNotListening, "bound_not_listening",
     "bind alone reserves a port, or a path: the other socket need not listen"},
    {BindRule::kTimeWait, "time_wait",
     "a connection that this side closed first keeps the port for 60 s (TIME_WAIT), unless the old "
     "and the new socket both set SO_REUSEADDR"},
    {BindRule::kLiveChild, "live_child",
     "an open connection keeps its port at this end, unless it and the new socket both set "
     "SO_REUSEADDR"},
    {BindRule::kEphemeralLocalPort, "ephemeral_local_port",
     "a port lent to an outgoing connection is taken, although nobody listens on it"},
    {BindRule::kReuseportMissing, "reuseport_missing",
     "a port is shared only where every socket on it set SO_REUSEPORT before its bind"},
    {BindRule::kReuseportOtherUser, "reuseport_other_user",
     "SO_REUSEPORT shares a port among the sockets of one user only"},
    {BindRule::kPrivilegedPort, "privileged_port",
     "ports below net.ipv4.ip_unprivileged_port_start need the privilege CAP_NET_BIND_SERVICE"},
    {BindRule::kAddressNotLocal, "address_not_local",
     "only an address that one of this machine's interfaces has, and may use by now, can be bound"},
    {BindRule::kFamilyUnavailable, "family_unavailable",
     "this machine does not speak that address family"},
    {BindRule::kPathInUse, "path_in_use", "one path is one socket, and somebody listens on it"},
    {BindRule::kPathStale, "path_stale",
     "the file of a unix socket stays when its process dies, and keeps bind from the path"},
    {BindRule::kPathNotSocket, "path_not_socket",
     "bind makes the file itself, so nothing may be there"},
    {BindRule::kPathTooLong, "path_too_long", "a unix socket's path has at most 107 bytes"},
    {BindRule::kPermission, "permission",
     "the system decides who may bind: a socket file needs the right to write in its directory, "
     "and "
     "a security policy may forbid any bind"},
    {BindRule::kDescriptorLimit, "descriptor_limit",
     "every socket is a descriptor, and a process has a limited number of them (ulimit -n)"},
});

const Row& row_of(BindRule rule) {
  const auto index = static_cast<std::size_t>(rule);
  POLYPORT_ASSERT(index < kRows.size() && kRows[index].rule == rule);
  return kRows[index];
}

// What one address of a socket covers in one family.
enum class Cover : std::uint8_t { kNothing, kOne, kAll };

Cover cover(const Address& address, IPv6Mode mode, Family family) {
  if (address.family == family) return address.is_any() ? Cover::kAll : Cover::kOne;
  const bool dual = address.family == Family::kIPv6 && address.is_any() &&
                    mode == IPv6Mode::kDualStack && family == Family::kIPv4;
  return dual ? Cover::kAll : Cover::kNothing;
}

bool same_ip(const Address& left, const Address& right) {
  return left.family == right.family && left.ip == right.ip && left.scope_id == right.scope_id;
}

bool meet_in(Family family, const Address& wanted, IPv6Mode wanted_mode, const Address& holder,
             IPv6Mode holder_mode) {
  const Cover left = cover(wanted, wanted_mode, family);
  const Cover right = cover(holder, holder_mode, family);
  if (left == Cover::kNothing || right == Cover::kNothing) return false;
  return left == Cover::kAll || right == Cover::kAll || same_ip(wanted, holder);
}

IPv6Mode mode_of(const KernelSocket& socket) {
  return socket.ipv6_socket && !socket.ipv6_only ? IPv6Mode::kDualStack : IPv6Mode::kOnly;
}

bool listens_at(const KernelSocket& socket, const Address& end) {
  return socket.transport == Transport::kTcp && socket.state == SocketState::kListening &&
         socket.local.port == end.port &&
         overlap(end, IPv6Mode::kOnly, socket.local, mode_of(socket)).has_value();
}

}  // namespace

std::string_view name(BindRule rule) {
  return row_of(rule).name;
}

std::string_view sentence(BindRule rule) {
  return row_of(rule).sentence;
}

std::optional<BindRule> overlap(const Address& wanted, IPv6Mode wanted_mode, const Address& holder,
                                IPv6Mode holder_mode) {
  const auto meet = [&](Family family) {
    return meet_in(family, wanted, wanted_mode, holder, holder_mode);
  };
  if (!meet(Family::kIPv4) && !meet(Family::kIPv6)) return std::nullopt;
  if (same_ip(wanted, holder)) return BindRule::kSameEndpoint;
  if (wanted.family != holder.family) {
    return wanted.family == Family::kIPv6 ? BindRule::kDualStackOverIpv4
                                          : BindRule::kIpv4UnderDualStack;
  }
  return wanted.is_any() ? BindRule::kWildcardOverSpecific : BindRule::kSpecificUnderWildcard;
}

std::optional<BindRule> overlap(const BindTarget& wanted, const BindTarget& holder) {
  if (wanted.transport != holder.transport) return std::nullopt;
  if (wanted.transport == Transport::kUnix) {
    if (wanted.path != holder.path) return std::nullopt;
    return BindRule::kPathInUse;
  }
  if (wanted.address.port != holder.address.port || wanted.address.port == 0) return std::nullopt;
  return overlap(wanted.address, wanted.ipv6_mode, holder.address, holder.ipv6_mode);
}

bool is_outgoing(const KernelSocket& connection, const Surroundings& surroundings) {
  const auto& all = surroundings.sockets;
  if (std::any_of(all.begin(), all.end(), [&](const KernelSocket& socket) {
        return listens_at(socket, connection.peer);
      })) {
    return true;
  }
  return surroundings.ephemeral.contains(connection.local.port) &&
         !surroundings.ephemeral.contains(connection.peer.port);
}

std::optional<BindRule> explains_refusal(const BindTarget& wanted, const KernelSocket& holder,
                                         const Surroundings& surroundings) {
  if (wanted.transport != holder.transport) return std::nullopt;
  if (wanted.transport == Transport::kUnix) {
    // A connection that was accepted there bears the name too.
    if (holder.path != wanted.path) return std::nullopt;
    if (holder.state == SocketState::kListening) return BindRule::kPathInUse;
    if (holder.state == SocketState::kBound) return BindRule::kBoundNotListening;
    return std::nullopt;
  }
  if (wanted.address.port != holder.local.port) return std::nullopt;
  // A link-local address is bound to its interface; sockets of two interfaces do not meet.
  const std::uint32_t interface = wanted.address.scope_id;
  if (interface != 0 && holder.interface != 0 && interface != holder.interface) return std::nullopt;
  const auto rule = overlap(wanted.address, wanted.ipv6_mode, holder.local, mode_of(holder));
  if (!rule) return rule;
  if (wanted.transport == Transport::kUdp) {
    return holder.peer.is_ip() ? BindRule::kEphemeralLocalPort : rule;
  }
  switch (holder.state) {
    case SocketState::kListening:
      return rule;
    case SocketState::kBound:
      return BindRule::kBoundNotListening;
    case SocketState::kTimeWait:
      return BindRule::kTimeWait;
    default:
      return is_outgoing(holder, surroundings) ? BindRule::kEphemeralLocalPort
                                               : BindRule::kLiveChild;
  }
}

}  // namespace polyport
