#include "core/host/inherited.h"

#include <algorithm>
#include <cstring>

#include "core/base/text.h"
#include "core/ports/machine_facts.h"

namespace polyport {

namespace {

using Kind = sock::Identity::Kind;
using Fit = Inheritance::Fit;

std::string named(const InheritedSocket& socket) {
  std::string text = "descriptor " + std::to_string(socket.fd);
  if (!socket.name.empty()) text += " (" + polyport::quoted(socket.name, 60) + ")";
  return text;
}

// "a TCP socket on 127.0.0.1:80"
std::string described(const sock::Identity& identity) {
  if (identity.family == Family::kUnix) {
    return identity.path.empty() ? "a unix socket without a path"
                                 : "a unix socket on " + printable(identity.path);
  }
  return (identity.kind == Kind::kDatagram ? "a UDP socket on " : "a TCP socket on ") +
         identity.local.text();
}

Transport transport_of(const sock::Identity& identity) {
  if (identity.family == Family::kUnix) return Transport::kUnix;
  return identity.kind == Kind::kDatagram ? Transport::kUdp : Transport::kTcp;
}

Fit fit(const sock::Identity& identity, const BindTarget& wanted) {
  if (transport_of(identity) != wanted.transport) return Fit::kTransport;
  if (wanted.transport == Transport::kUnix) {
    const bool same = same_socket_path(identity.path) == same_socket_path(wanted.path);
    return same ? Fit::kAll : Fit::kAddress;
  }
  const Address& local = identity.local;
  if (local.family != wanted.address.family) return Fit::kFamily;
  const bool same_ip = local.ip == wanted.address.ip && local.scope_id == wanted.address.scope_id;
  if (!same_ip) return Fit::kAddress;
  if (wanted.address.port != 0 && local.port != wanted.address.port) return Fit::kPort;
  const bool matters = local.family == Family::kIPv6 && local.is_any();
  if (matters && identity.ipv6_only != (wanted.ipv6_mode == IPv6Mode::kOnly)) return Fit::kMode;
  return Fit::kAll;
}

std::string misfit(Fit fit, const sock::Identity& identity, const BindTarget& wanted) {
  const std::string start = "is " + described(identity) + ", and ";
  switch (fit) {
    case Fit::kTransport:
      return start + spoken(wanted) + " is " + std::string(name(wanted.transport));
    case Fit::kFamily:
      return start + spoken(wanted) + " is of the other family";
    case Fit::kMode:
      return start + (identity.ipv6_only ? "hears IPv6 only: *:PORT hears both"
                                         : "hears IPv4 too: [::]:PORT hears IPv6 only");
    default:
      return start + spoken(wanted) + " is wanted";
  }
}

// Why it can serve nobody; nothing where it can.
std::string useless(const sock::Identity& identity) {
  if (identity.family == Family::kNone || identity.kind == Kind::kOther) {
    return "is neither a TCP, a UDP nor a unix stream socket";
  }
  if (identity.family == Family::kUnix && identity.kind == Kind::kDatagram) {
    return "is a unix datagram socket, which no service speaks on";
  }
  if (identity.kind == Kind::kStream && !identity.listening) {
    return "does not listen: it is a connection, or was only bound";
  }
  return {};
}

constexpr std::string_view kUselessHint =
    "ListenStream= and ListenDatagram= make what polyport takes, with Accept=no";
constexpr std::string_view kMisfitHint =
    "ListenStream= of the .socket unit and `listen` of the service must name the same";

// The name of the service, or of the service and one of its doors.
bool names(const std::string& word, const Instance& instance, const PortGroup* group) {
  const std::string& service = instance.plan().name;
  if (word == service) return true;
  if (!word.starts_with(service + ".")) return false;
  const std::string_view door = std::string_view(word).substr(service.size() + 1);
  if (group != nullptr) return group->door.door.name == door;
  const auto doors = instance.plan().type->doors;
  return std::any_of(doors.begin(), doors.end(),
                     [door](const Door& each) { return each.name == door; });
}

}  // namespace

Inheritance::Inheritance(Instances instances, const std::vector<InheritedSocket>& sockets)
    : instances_(instances) {
  for (const InheritedSocket& socket : sockets)
    place(socket);
}

void Inheritance::place(const InheritedSocket& socket) {
  sock::Identity identity;
  if (const int error = sock::identify(socket.fd, identity); error < 0) {
    return add_error(socket, std::string("is no socket: ") + std::strerror(-error), "");
  }
  if (std::string why = useless(identity); !why.empty()) {
    sock::close(socket.fd);
    return add_error(socket, std::move(why), std::string(kUselessHint));
  }
  const auto owner = std::find_if(instances_.begin(), instances_.end(), [&](const auto& each) {
    return names(socket.name, *each, nullptr);
  });
  Search search{.identity = identity,
                .name = socket.name,
                .owner = owner == instances_.end() ? nullptr : owner->get()};
  for (const auto& instance : instances_)
    look_in(*instance, search);
  if (search.port != nullptr) return give(socket, search);
  sock::close(socket.fd);
  refuse(socket, search);
}

void Inheritance::look_in(Instance& instance, Search& search) const {
  if (search.owner != nullptr && search.owner != &instance) return;
  if (!instance.wants_ports() || instance.closed()) return;
  for (PortGroup& group : instance.groups()) {
    if (search.owner != nullptr && !names(search.name, instance, &group)) continue;
    for (Port& port : group.ports) {
      if (search.port != nullptr) return;
      BindTarget wanted = port.target;
      if (wanted.address.port == 0) wanted.address.port = group.number_given();
      Fit how = fit(search.identity, wanted);
      // Whichever port is meant by 0: only a name can say so.
      if (how == Fit::kAll && search.owner == nullptr && wanted.transport != Transport::kUnix &&
          wanted.address.port == 0) {
        how = Fit::kPort;
      }
      if (how == Fit::kAll && !port.socket) {
        search.instance = &instance;
        search.port = &port;
      }
      if (search.wrong.empty() || how > search.best) {
        search.wrong = misfit(how, search.identity, wanted);
        search.best = how;
      }
    }
  }
}

void Inheritance::refuse(const InheritedSocket& socket, const Search& search) {
  if (search.owner == nullptr) {
    notes_.push_back(named(socket) + ", " + described(search.identity) +
                     ", was passed to us and fits no service: closed");
  } else if (search.best == Fit::kAll) {
    add_error(socket, "is one more for the same endpoint: " + described(search.identity),
              "pass each socket once");
  } else if (search.wrong.empty()) {
    add_error(socket,
              "is for " + polyport::quoted(search.owner->plan().name) + ", which opens no socket",
              "leave the socket out, or open the service");
  } else {
    add_error(socket, search.wrong, std::string(kMisfitHint));
  }
}

void Inheritance::give(const InheritedSocket& socket, Search& search) {
  BindTarget bound = search.port->target;
  bound.address.port = search.identity.local.port;
  const int adopted =
      adopt_bound_socket(socket.fd, request_for(bound, search.instance->bind_settings()));
  if (adopted < 0) {
    sock::close(socket.fd);
    return add_error(socket, std::string("cannot be used: ") + std::strerror(-adopted), "");
  }
  search.port->target = bound;
  search.port->socket.emplace(socket.fd, std::move(bound), UnixSocketFile());
  const BindSettings& settings = search.instance->bind_settings();
  if (settings.siblings > 0 && search.port->target.transport != Transport::kUnix) {
    // Another user's socket (systemd's) has no siblings of ours, nor a port that only that user may
    // bind: then all workers accept from the one.
    sock::set_option(socket.fd, sock::Option::kReusePort, 1);
    if (!add_siblings(*search.port->socket, settings)) {
      sock::set_option(socket.fd, sock::Option::kReusePort, 0);
    }
  }
  search.port->inherited = true;
}

void Inheritance::add_error(const InheritedSocket& socket, std::string what, std::string hint) {
  errors_.push_back(
      {ErrorCode::kConflict, named(socket) + " " + std::move(what), "LISTEN_FDS", std::move(hint)});
}

}  // namespace polyport
