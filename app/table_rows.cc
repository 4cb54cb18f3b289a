#include "app/table_rows.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "core/base/text.h"
#include "core/ports/ranges.h"

namespace polyport {
namespace {

constexpr std::size_t kShownNetworks = 2;

// Sockets that share a line: one door, one run of ports, the same addresses on the same transports.
struct Line {
  const Door* door = nullptr;
  Transports transports = 0;
  std::vector<Address> addresses;  // with port 0
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  bool dual_stack = false;  // one IPv6 socket that hears IPv4 too: "*"
  std::string_view mark;    // how it differs from an ordinary one: "moved"
  std::string path;         // of a unix socket

  bool continues(const Line& before) const {
    return path.empty() && before.path.empty() && door == before.door && mark == before.mark &&
           transports == before.transports && addresses == before.addresses &&
           dual_stack == before.dual_stack && first_port == before.last_port + 1;
  }
};

const ServiceType* type_of(const ServiceStatus& service,
                           std::span<const ServiceType* const> types) {
  const auto found = std::find_if(types.begin(), types.end(), [&service](const ServiceType* type) {
    return type->name == service.type;
  });
  return found == types.end() ? nullptr : *found;
}

const Door* door_of(const ListenerStatus& listener, const ServiceType* type) {
  if (type == nullptr) return nullptr;
  const auto found =
      std::find_if(type->doors.begin(), type->doors.end(),
                   [&listener](const Door& door) { return door.name == listener.door; });
  return found == type->doors.end() ? nullptr : &*found;
}

// What stands on one number of one address.
struct Socket {
  Transports transports = 0;
  bool dual_stack = false;
};

// In one word; the reason stands in the notes.
std::string_view mark_of(const ListenerStatus& listener) {
  if (!listener.is_open()) return name(listener.state);
  if (!listener.accepts) return "never-accepting";
  return listener.origin == ListenerOrigin::kConfigured ? "" : name(listener.origin);
}

bool is_dual_stack(const ListenerStatus& listener) {
  if (listener.address.family != Family::kIPv6 || !listener.address.is_any()) return false;
  const auto written = parse_endpoint(listener.configured);
  return written && written->host == "*";
}

// One line for each door and port, the addresses and transports of each together.
std::vector<Line> lines_by_port(const ServiceStatus& service, const ServiceType* type) {
  std::vector<Line> lines;
  // Which transports an address has on a port decides what may share a line with it.
  // IPv4 comes first.
  std::map<std::tuple<const Door*, std::uint16_t, std::string_view, Family, Address>, Socket>
      sockets;
  for (const ListenerStatus& listener : service.listeners) {
    const Door* const door = door_of(listener, type);
    if (!listener.address.is_ip()) {
      lines.push_back({.door = door,
                       .transports = transports(Transport::kUnix),
                       .mark = mark_of(listener),
                       .path = listener.bound});
      continue;
    }
    Address address = listener.address;
    address.port = 0;
    Socket& socket =
        sockets[{door, listener.address.port, mark_of(listener), address.family, address}];
    socket.transports |= transports(listener.transport);
    socket.dual_stack = is_dual_stack(listener);
  }
  for (const auto& entry : sockets) {
    const auto& [door, port, mark, family, address] = entry.first;
    const Line line{.door = door,
                    .transports = entry.second.transports,
                    .addresses = {address},
                    .first_port = port,
                    .last_port = port,
                    .dual_stack = entry.second.dual_stack,
                    .mark = mark};
    const auto same = std::find_if(lines.begin(), lines.end(), [&line](const Line& other) {
      return other.path.empty() && other.door == line.door && other.first_port == line.first_port &&
             other.transports == line.transports && other.dual_stack == line.dual_stack &&
             other.mark == line.mark;
    });
    if (same != lines.end()) {
      same->addresses.push_back(address);
    } else {
      lines.push_back(line);
    }
  }
  return lines;
}

std::vector<Line> join_runs(std::vector<Line> lines) {
  std::vector<Line> joined;
  for (Line& line : lines) {
    if (!joined.empty() && line.continues(joined.back())) {
      joined.back().last_port = line.last_port;
    } else {
      joined.push_back(std::move(line));
    }
  }
  return joined;
}

std::string ports_text(const Line& line) {
  std::string text = std::to_string(line.first_port);
  if (line.last_port != line.first_port) text += "-" + std::to_string(line.last_port);
  return text;
}

std::string host_text(const Address& address) {
  if (address.family == Family::kIPv6) return "[" + address.ip_text() + "]";
  return address.ip_text();
}

std::string transport_text(const Line& line) {
  if (line.door != nullptr && line.door->kind == Door::Kind::kHttp) {
    return line.transports == transports(Transport::kTls) ? "https" : "http";
  }
  std::string text;
  for (const Transport transport : kAllTransports) {
    if (!contains(line.transports, transport)) continue;
    text += (text.empty() ? "" : "+") + std::string(name(transport));
  }
  return text;
}

std::string where_text(const Line& line) {
  std::string text = transport_text(line);
  if (!line.path.empty()) return text + " " + printable(line.path, 60);
  if (line.dual_stack) return text + " *:" + ports_text(line);
  for (const Address& address : line.addresses) {
    text += " " + host_text(address) + ":" + ports_text(line);
  }
  return text;
}

std::string listens_on(const Line& line) {
  const std::string where = where_text(line);
  return line.mark.empty() ? where : where + " " + std::string(line.mark);
}

// Nobody can talk to it now, and none of it is on purpose.
bool is_out_of_reach(const Line& line) {
  return line.mark == name(ListenerState::kRetrying) || line.mark == name(ListenerState::kSkipped);
}

std::string range_text(const Line& line) {
  if (!line.path.empty()) return "";
  const std::string first(name(port_range(line.first_port)));
  const std::string last(name(port_range(line.last_port)));
  return first == last ? first : first + ", " + last;
}

// The addresses under which a socket bound to `bound` can be asked from another machine.
std::vector<Address> reachable(const Address& bound, bool dual_stack,
                               std::span<const Address> networks) {
  if (bound.is_loopback()) return {};
  if (!bound.is_any()) return {bound};
  std::vector<Address> found;
  for (const Address& network : networks) {
    if (dual_stack || network.family == bound.family) found.push_back(network);
  }
  return found;
}

std::string reach_text(const Line& line, std::span<const Address> networks) {
  if (is_out_of_reach(line)) return "";
  std::vector<std::string> hosts;
  for (const Address& bound : line.addresses) {
    for (const Address& address : reachable(bound, line.dual_stack, networks))
      hosts.push_back(address.ip_text());
  }
  if (hosts.empty()) return "this machine";
  std::string text = "your network:";
  for (std::size_t i = 0; i < std::min(hosts.size(), kShownNetworks); ++i)
    text += " " + hosts[i];
  if (hosts.size() > kShownNetworks) {
    text += " and " + std::to_string(hosts.size() - kShownNetworks) + " more";
  }
  return text;
}

void replace(std::string& text, std::string_view word, const std::string& by) {
  if (const auto at = text.find(word); at != std::string::npos) text.replace(at, word.size(), by);
}

// Our own client speaks no WebSocket; this one is Python's.
constexpr std::string_view kTryWebSocket = "python3 -m websockets {scheme}://{host}:{port}/";

bool has_only_websocket(const Line& line) {
  return (line.transports & ~transports(Transport::kWs, Transport::kWss)) == 0;
}

// What a person on this machine types to talk to it.
std::string try_it(const Line& line, const ServiceType* type) {
  if (type == nullptr || is_out_of_reach(line)) return "";
  const bool has_own = line.door != nullptr && !line.door->try_it.empty();
  std::string text(has_only_websocket(line) ? kTryWebSocket
                   : has_own                ? line.door->try_it
                                            : type->try_it);
  constexpr std::string_view kTarget = "{host}:{port}";
  if (!line.path.empty()) {
    if (text.find("polyport connect") == std::string::npos) return "";
    replace(text, kTarget, "unix:" + printable(line.path, 60));
    return text;
  }
  if (line.transports == transports(Transport::kTls)) {
    replace(text, "curl http://", "curl -k https://");
    replace(text, "open http://", "open https://");
    replace(text, "irssi ", "irssi --tls ");
    replace(text, "polyport connect ", "openssl s_client -quiet -connect ");
  }
  // A door for several transports is tried over TCP, which connect takes where none is named.
  const bool only_udp = line.transports == transports(Transport::kUdp);
  if (only_udp && line.door != nullptr && contains(line.door->transports, Transport::kTcp)) {
    replace(text, kTarget, "udp://" + std::string(kTarget));
  }
  const Address& address = line.addresses.front();
  const bool local = address.is_any() || address == Address::loopback(address.family);
  const bool plain = contains(line.transports, Transport::kWs);
  replace(text, "{scheme}", std::string(name(plain ? Transport::kWs : Transport::kWss)));
  replace(text, "{host}", local ? "localhost" : host_text(address));
  replace(text, "{port}", std::to_string(line.first_port));
  return text;
}

}  // namespace

std::vector<TableRow> table_rows(const ServiceStatus& service,
                                 std::span<const ServiceType* const> types,
                                 std::span<const Address> networks) {
  const ServiceType* const type = type_of(service, types);
  const std::vector<Line> lines = join_runs(lines_by_port(service, type));
  std::vector<TableRow> rows;
  for (const Line& line : lines) {
    if (rows.size() == kMaxTableRows) {
      rows.push_back({.listens_on = "and " + std::to_string(lines.size() - kMaxTableRows) +
                                    " more lines like these"});
      break;
    }
    rows.push_back({.listens_on = listens_on(line),
                    .range = range_text(line),
                    .reach = reach_text(line, networks),
                    .try_it = try_it(line, type)});
  }
  return rows;
}

}  // namespace polyport
