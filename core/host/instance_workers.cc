// What an instance does where there are worker processes: handing its sockets over in the
// supervisor, taking them over in a worker.
#include <algorithm>
#include <utility>

#include "core/host/instance.h"
#include "core/host/tls_plan.h"

namespace polyport {

bool is_pinned(const ServiceType& type, const OptionValues& values) {
  return type.shares_state != nullptr && type.shares_state(values);
}

void Instance::serve_by_workers(int workers) {
  served_ = Served::kByOthers;
  if (!is_pinned(*plan_.type, plan_.values)) bind_settings_.siblings = workers - 1;
}

HandedService Instance::hand_over(int worker) const {
  HandedService service{.name = plan_.name};
  service.here = served_ == Served::kByOthers && (worker == 0 || bind_settings_.siblings > 0);
  service.skipped = state_ == ServiceState::kSkipped;
  service.reason = service.skipped ? reason_ : std::string();
  if (wants_tls(plan_)) {
    service.tls_tickets.assign(reinterpret_cast<const char*>(tickets_.data()), tickets_.size());
  }
  for (const PortGroup& group : groups_)
    service.groups.push_back(hand_over(worker, group));
  return service;
}

namespace {

// What a worker listens with: a sibling of its own, else the one socket that there is. Datagrams of
// one client must not be dealt out, so one worker reads them then.
int descriptor_for(int worker, const OpenSocket& socket) {
  const auto& siblings = socket.siblings();
  if (worker == 0) return socket.descriptor();
  if (!siblings.empty()) return siblings[static_cast<std::size_t>(worker) - 1];
  return socket.target.transport == Transport::kUdp ? -1 : socket.descriptor();
}

}  // namespace

HandedGroup Instance::hand_over(int worker, const PortGroup& group) const {
  HandedGroup handed{.door = std::string(group.door.door.name),
                     .transport = group.transport,
                     .configured = group.configured,
                     .where = group.where,
                     .number = group.number,
                     .origin = group.origin,
                     .retrying = group.retrying,
                     .ports = {}};
  const bool here = served_ == Served::kByOthers && (worker == 0 || bind_settings_.siblings > 0);
  for (const Port& port : group.ports) {
    HandedPort given{.id = port.id, .target = port.target, .inherited = port.inherited};
    if (here && port.socket) given.fd = descriptor_for(worker, *port.socket);
    handed.ports.push_back(std::move(given));
  }
  return handed;
}

HandedService Instance::hand_over_to_foster(int worker) const {
  HandedService service = hand_over(worker);
  for (std::size_t i = 0; i < groups_.size(); ++i)
    service.groups[i] = hand_over_to_foster(worker, groups_[i]);
  return service;
}

HandedGroup Instance::hand_over_to_foster(int worker, const PortGroup& group) const {
  HandedGroup handed = hand_over(worker, group);
  // What it shares with others they serve already, and of a pinned service there is no other.
  for (std::size_t i = 0; i < group.ports.size(); ++i) {
    const auto& socket = group.ports[i].socket;
    if (!socket || socket->siblings().empty()) handed.ports[i].fd = -1;
  }
  return handed;
}

bool Instance::foster(HandedService& service, int of_worker, Network& network) {
  // The other half of the numbers is for ports that are opened later, and for dialers.
  constexpr std::size_t kMostSources = 32'768;
  bool all = true;
  if (served_ == Served::kByOthers) return all;
  for (HandedGroup& handed : service.groups) {
    const auto group = std::find_if(groups_.begin(), groups_.end(), [&handed](const auto& each) {
      return each.number == handed.number && each.ports.size() == handed.ports.size();
    });
    if (group == groups_.end()) continue;
    for (std::size_t i = 0; i < handed.ports.size(); ++i) {
      const Port& port = group->ports[i];
      int& fd = handed.ports[i].fd;
      if (fd < 0 || is_fostered(of_worker, port)) continue;
      if (foster_again(port, fd, of_worker)) {
        fd = -1;
      } else if (network.sources() < kMostSources) {
        foster(*group, port, std::exchange(fd, -1), of_worker, network);
      } else {
        all = false;
      }
    }
  }
  return all;
}

bool Instance::is_fostered(int of_worker, const Port& port) const {
  return std::any_of(fostered_.begin(), fostered_.end(), [&](const Fostered& each) {
    return each.of_worker == of_worker && each.port == port.id &&
           (each.udp != nullptr ? each.udp->is_open() : each.listener->is_open());
  });
}

// With the listener of an earlier time, which has been closed since.
bool Instance::foster_again(const Port& port, int fd, int of_worker) {
  const auto again = std::find_if(fostered_.begin(), fostered_.end(), [&](const Fostered& each) {
    return each.of_worker == of_worker && each.port == port.id &&
           (each.udp != nullptr ? each.udp->reopen(fd) : each.listener->reopen(fd));
  });
  if (again == fostered_.end()) return false;
  if (again->udp != nullptr) again->udp->start();
  if (again->listener != nullptr && accepts_) again->listener->start();
  return true;
}

void Instance::foster(const PortGroup& group, const Port& port, int fd, int of_worker,
                      Network& network) {
  Fostered added{.of_worker = of_worker, .port = port.id, .listener = nullptr, .udp = nullptr};
  if (port.target.transport == Transport::kUdp) {
    added.udp = &network.add_udp_socket(group.door.udp, fd, port.id);
    added.udp->start();
  } else {
    added.listener = &network.add_listener(group.door.stream, fd, port.id);
    added.listener->use_stages(stages_of(group));
    if (accepts_) added.listener->start();
  }
  fostered_.push_back(added);
}

void Instance::give_back(int of_worker) {
  for (const Fostered& each : fostered_) {
    if (each.of_worker != of_worker) continue;
    if (each.listener != nullptr) each.listener->close();
    if (each.udp != nullptr) each.udp->close();
  }
}

bool Instance::take_over(const HandedService& service) {
  if (!service.here) served_ = Served::kByOthers;
  if (service.tls_tickets.size() == tickets_.size()) {
    std::copy(service.tls_tickets.begin(), service.tls_tickets.end(), tickets_.begin());
  }
  for (const HandedGroup& group : service.groups) {
    const auto door = std::find_if(doors_.begin(), doors_.end(), [&group](const auto& each) {
      return each->door.name == group.door;
    });
    if (door == doors_.end()) return false;
    if (has_websocket(group.transport)) use_websocket(**door);
    PortGroup added{.door = **door,
                    .transport = group.transport,
                    .configured = group.configured,
                    .where = group.where,
                    .number = group.number,
                    .ports = {},
                    .origin = group.origin,
                    .retrying = group.retrying};
    for (const HandedPort& handed : group.ports) {
      Port& port = added.ports.emplace_back();
      port.id = handed.id;
      take_over(handed, port);
    }
    groups_.push_back(std::move(added));
  }
  if (service.skipped) skip(service.reason);
  return true;
}

void Instance::take_over(const HandedPort& handed, Port& port) {
  port.target = handed.target;
  port.inherited = handed.inherited;
  // Its file is the supervisor's to remove.
  if (handed.fd >= 0) port.socket.emplace(handed.fd, handed.target, UnixSocketFile());
}

bool Instance::take_over(const HandedGroup& handed, Network& network) {
  const auto group = std::find_if(groups_.begin(), groups_.end(), [&handed](const auto& each) {
    return each.number == handed.number && each.ports.size() == handed.ports.size();
  });
  if (group == groups_.end() || !group->retrying) return false;
  for (std::size_t i = 0; i < group->ports.size(); ++i)
    take_over(handed.ports[i], group->ports[i]);
  serve_late(*group, network);
  return true;
}

}  // namespace polyport
