#include "core/ports/port_notes.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/ports/bind_rules.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

constexpr std::size_t kLongestList = 60;

void add(Errors& list, Error error) {
  if (list.size() < kMaxStaticFindings) list.push_back(std::move(error));
}

// "port 80", "ports 80,8080-8089", "300 ports from 1000 on".
std::string ports_text(const PortSet& ports) {
  const std::size_t count = ports.count();
  const std::string list = port_set_text(ports);
  if (count == 1) return "port " + list;
  if (list.size() <= kLongestList) return "ports " + list;
  return std::to_string(count) + " ports from " + list.substr(0, list.find_first_of(",-")) + " on";
}

// Those of the endpoint's ports that `wanted` picks; port 0 is none.
template <class Pick>
PortSet ports_of(const Endpoint& endpoint, Pick wanted) {
  PortSet ports;
  for (const std::uint16_t port : endpoint.ports()) {
    if (port != 0 && wanted(port)) ports.set(port);
  }
  return ports;
}

std::string how_to_reserve(const PortSet& ports, const MachineFacts& facts) {
  const std::string them = ports.count() == 1 ? "it" : "them";
  const std::string all = port_set_text(ports | facts.reserved);
  if (all.size() > kLongestList) return "add " + them + " to net.ipv4.ip_local_reserved_ports";
  return "reserve " + them + ": sudo sysctl -w net.ipv4.ip_local_reserved_ports=" + all;
}

void note_lent_ports(const PlannedEndpoint& endpoint, const MachineFacts& facts, Errors& warnings) {
  if (warnings.size() >= kMaxStaticFindings) return;
  const EphemeralRange& range = facts.ephemeral;
  const PortSet lent = ports_of(endpoint.written, [&](std::uint16_t port) {
    return range.contains(port) && !facts.reserved[port];
  });
  if (lent.none()) return;
  // A way out exists below the range, above it, or not at all.
  std::string elsewhere;
  if (range.low > facts.unprivileged_start) {
    elsewhere = "take a port below " + std::to_string(range.low) + ", or ";
  } else if (range.high < 65535) {
    elsewhere = "take a port above " + std::to_string(range.high) + ", or ";
  }
  add(warnings, {ErrorCode::kAddressInUse,
                 endpoint.option + ": " + ports_text(lent) +
                     " may be lent to an outgoing connection when the service starts: this machine "
                     "lends " +
                     std::to_string(range.low) + " to " + std::to_string(range.high),
                 endpoint.where, elsewhere + how_to_reserve(lent, facts)});
}

void note_privileged_ports(const PlannedEndpoint& endpoint, const MachineFacts& facts,
                           Errors& warnings) {
  if (facts.may_bind_privileged) return;
  const PortSet privileged = ports_of(
      endpoint.written, [&](std::uint16_t port) { return port < facts.unprivileged_start; });
  if (privileged.none()) return;
  const std::string start = std::to_string(facts.unprivileged_start);
  add(warnings, {ErrorCode::kNotPermitted,
                 endpoint.option + ": this user may not have " + ports_text(privileged) + ": " +
                     std::string(sentence(BindRule::kPrivilegedPort)) + " (" + start + " here)",
                 endpoint.where,
                 "take a port from " + start +
                     " up, or allow it: sudo setcap cap_net_bind_service=+ep on the program"});
}

// "http-alt" suits http, "ntp" suits sntp, and "ircu" suits irc.
bool suits(const PlannedEndpoint& endpoint, std::string_view registered) {
  return std::any_of(
      endpoint.known_as.begin(), endpoint.known_as.end(), [registered](std::string_view own) {
        return own == "*" || own == registered || registered.starts_with(std::string(own) + "-") ||
               own == "s" + std::string(registered) || registered == std::string(own) + "u";
      });
}

void note_known_ports(const PlannedEndpoint& endpoint, Errors& notes) {
  const Transport transport = socket_transport(endpoint.written.transport);
  const PortSet known = ports_of(endpoint.written, [&](std::uint16_t port) {
    const std::string_view registered = well_known_port_name(port, transport);
    return !registered.empty() && !suits(endpoint, registered);
  });
  if (known.none()) return;
  const std::vector<std::uint16_t> all = endpoint.written.ports();
  const std::uint16_t first =
      *std::find_if(all.begin(), all.end(), [&](std::uint16_t port) { return known[port]; });
  const std::string others = known.count() == 1 ? ""
                                                : ", and " + std::to_string(known.count() - 1) +
                                                      " more of these ports have such a name";
  add(notes, {ErrorCode::kConflict,
              endpoint.option + ": port " + std::to_string(first) + " is registered for " +
                  std::string(well_known_port_name(first, transport)) +
                  ", and its clients may come here" + others,
              endpoint.where, "nothing enforces that; on another port nobody is misled"});
}

void note_broadcast(const PlannedEndpoint& endpoint, const MachineFacts& facts, Errors& warnings) {
  for (const BindTarget& target : endpoint.targets) {
    Address address = target.address;
    address.port = 0;
    const auto& all = facts.broadcast;
    if (std::find(all.begin(), all.end(), address) == all.end()) continue;
    add(warnings, {ErrorCode::kBadValue,
                   endpoint.option + ": nobody can connect to " + address.ip_text() +
                       ": it is the broadcast address of one of this machine's networks",
                   endpoint.where, "write an address of this machine, or * for every one"});
  }
}

// Something that is no socket is never removed, so the start would fail; what a directory lacks may
// be made before it.
void note_path(const PlannedEndpoint& endpoint, StaticFindings& findings) {
  const std::string path = endpoint.written.text();
  const auto found = [&](ErrorCode code, const std::string& what, std::string hint) {
    return Error{code, endpoint.option + ": " + what, endpoint.where, std::move(hint)};
  };
  Errors& serious = endpoint.on_conflict == OnConflict::kFail ? findings.errors : findings.warnings;
  const std::string rule = ": " + std::string(sentence(BindRule::kPathNotSocket));
  switch (endpoint.path_error) {
    case 0:
    case EADDRINUSE:  // a socket: whether of a dead process is not asked here
      return;
    case EISDIR:
      return add(serious, found(ErrorCode::kConflict, path + " is a directory" + rule,
                                "add the name of the socket"));
    case ENOTSOCK:
      return add(serious, found(ErrorCode::kConflict, path + " is a file and no socket" + rule,
                                "remove it, or take another path"));
    case ENOENT:
    case ENOTDIR:
      return add(findings.warnings,
                 found(ErrorCode::kNotFound, "the directory of " + path + " is not there",
                       "make it before the start"));
    default:
      return add(findings.warnings, found(ErrorCode::kNotPermitted,
                                          "this user may not make " + path + ": " +
                                              std::string(sentence(BindRule::kPermission)),
                                          "take another directory"));
  }
}

}  // namespace

void add_port_notes(const PlannedEndpoint& endpoint, const MachineFacts& facts,
                    StaticFindings& findings) {
  if (endpoint.written.transport == Transport::kUnix) return note_path(endpoint, findings);
  note_broadcast(endpoint, facts, findings.warnings);
  note_lent_ports(endpoint, facts, findings.warnings);
  note_privileged_ports(endpoint, facts, findings.warnings);
  note_known_ports(endpoint, findings.notes);
}

}  // namespace polyport
