// What an instance is and has done, for pages, metrics and the report of a worker.
#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/host/instance.h"
#include "core/http/server.h"
#include "core/socket/socket.h"

namespace polyport {

ServiceStatus Instance::status(const std::vector<Network::Totals>& totals) const {
  ServiceStatus status_;
  status_.name = plan_.name;
  status_.type = plan_.type->name;
  status_.summary = plan_.type->summary;
  status_.try_it = plan_.type->try_it;
  status_.internal = plan_.type->internal;
  status_.state = state_;
  status_.reason = reason_;
  for (const PortGroup& group : groups_) {
    for (const Port& port : group.ports)
      status_.listeners.push_back(status(group, port, totals));
  }
  status_.limits = {.connections = admission_.open(),
                    .max_connections = admission_.limits().connections,
                    .queued_bytes = queued_.bytes,
                    .max_queued = queued_.limit,
                    .memory_bytes = memory_.limit() == 0 ? 0 : memory_.bytes(),
                    .memory_limit = memory_.limit()};
  // The doors of kind kHttp have such a server and no other.
  for (const auto& door : doors_)
    if (door->http) status_.requests += static_cast<const http::Server&>(*door->http).requests();
  for (std::size_t i = 0; i < kCloseReasons; ++i) {
    std::uint64_t count = 0;  // of all doors
    for (const auto& door : doors_)
      count += door->stream.closed[i];
    if (count > 0) status_.closed.emplace_back(name(static_cast<CloseReason>(i)), count);
  }
  if (context_) service_->report(status_, totals);
  return status_;
}

ListenerState Instance::state(const PortGroup& group, const Port& port) const {
  if (state_ == ServiceState::kSkipped) return ListenerState::kSkipped;
  if (state_ == ServiceState::kDraining || state_ == ServiceState::kStopped) {
    return ListenerState::kStopped;
  }
  if (closed_) return ListenerState::kClosed;
  if (group.retrying) return ListenerState::kRetrying;
  return port.target.transport == Transport::kUdp ? ListenerState::kBound
                                                  : ListenerState::kListening;
}

ListenerStatus Instance::status(const PortGroup& group, const Port& port,
                                const std::vector<Network::Totals>& totals) const {
  ListenerStatus row;
  row.id = port.id;
  row.door = group.door.door.name;
  row.try_it = group.door.door.try_it.empty() ? plan_.type->try_it : group.door.door.try_it;
  row.transport = group.transport;
  row.configured = group.configured;
  row.where = group.where;
  row.bound = port.target.text();
  row.address = port.target.address;
  row.group = group.number;
  row.state = state(group, port);
  row.origin = port.inherited ? ListenerOrigin::kInherited : group.origin;
  row.accepts = accepts_ || port.target.transport == Transport::kUdp;
  row.explanation = port.explanation;
  row.retries = group.retries;
  if (port.listener != nullptr) {
    row.backlog = bind_settings_.backlog;
    add_counts(row, *port.listener, totals);
  } else if (port.socket && port.target.transport != Transport::kUdp) {
    row.backlog = bind_settings_.backlog;  // it is kept for workers
  } else if (port.udp != nullptr) {
    add_counts(row, *port.udp);
  }
  for (const Fostered& each : fostered_) {
    if (each.port != port.id) continue;
    if (each.listener != nullptr) add_counts(row, *each.listener, totals);
    if (each.udp != nullptr) add_counts(row, *each.udp);
  }
  return row;
}

int Instance::accept_queue(const Port& port) const {
  int waiting = 0;
  if (port.listener != nullptr) {
    waiting += port.listener->accept_queue();
  } else if (port.socket && port.target.transport != Transport::kUdp) {
    // Kept for workers: the clients that none of them has taken yet.
    waiting += std::max(0, sock::accept_queue(port.socket->descriptor()));
    for (const int sibling : port.socket->siblings())
      waiting += std::max(0, sock::accept_queue(sibling));
  }
  for (const Fostered& each : fostered_) {
    if (each.port == port.id && each.listener != nullptr) waiting += each.listener->accept_queue();
  }
  return waiting;
}

void Instance::fill_accept_queues(ServiceStatus& status) const {
  std::size_t row = 0;
  for (const PortGroup& group : groups_) {
    for (const Port& port : group.ports)
      status.listeners.at(row++).accept_queue = accept_queue(port);
  }
}

namespace {

void add_count(std::vector<std::pair<std::string_view, std::uint64_t>>& counts,
               std::string_view word, std::uint64_t count) {
  if (count == 0) return;
  for (auto& each : counts) {
    if (each.first != word) continue;
    each.second += count;
    return;
  }
  counts.emplace_back(word, count);
}

}  // namespace

void Instance::add_counts(ListenerStatus& row, const Listener& listener,
                          const std::vector<Network::Totals>& totals) const {
  const Network::Totals& moved = totals[listener.number()];
  row.accepted += listener.accepted();
  row.active += listener.active();
  row.bytes_in += moved.bytes_in;
  row.bytes_out += moved.bytes_out;
  for (std::size_t i = 0; i < kCloseReasons; ++i)
    add_count(row.refused, name(static_cast<CloseReason>(i)), listener.refused()[i]);
  for (std::size_t i = 0; i < kProtocols; ++i) {
    const auto protocol = static_cast<Protocol>(i);
    add_count(row.wrong_protocol, name(protocol), listener.protocol_hints().count(protocol));
  }
}

void Instance::add_counts(ListenerStatus& row, const UdpSocket& socket) {
  const UdpSocket::Counters& counters = socket.counters();
  row.accepted += counters.received;
  row.datagrams_out += counters.sent;
  row.bytes_in += counters.bytes_in;
  row.bytes_out += counters.bytes_out;
  for (std::size_t i = 1; i < UdpGuard::kVerdicts; ++i)
    add_count(row.refused, name(static_cast<UdpGuard::Verdict>(i)), counters.refused[i]);
  add_count(row.refused, UdpSocket::kSendFailed, counters.send_failed);
  add_count(row.refused, UdpSocket::kKernelDropped, counters.kernel_dropped);
}

}  // namespace polyport
