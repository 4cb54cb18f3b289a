#include "core/host/port_group.h"

#include <algorithm>

#include "core/base/assert.h"

namespace polyport {

namespace {

// Opens `targets`, which are those of `ports` in the same order, into them.
std::vector<BindAttempt> open_ports(PortGroup& group, std::vector<BindTarget> targets,
                                    const std::vector<Port*>& ports, const BindSettings& settings) {
  if (targets.empty()) return {};
  auto sockets = open_group({std::move(targets)}, settings);
  if (!sockets) {
    for (BindAttempt& attempt : sockets.error()) {
      attempt.service = group.service();
      attempt.where = group.where;
    }
    return std::move(sockets.error());
  }
  POLYPORT_ASSERT(sockets->size() == ports.size());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    ports[i]->target = (*sockets)[i].target;
    ports[i]->socket = std::move((*sockets)[i]);
  }
  return {};
}

}  // namespace

bool PortGroup::has_inherited() const {
  return std::any_of(ports.begin(), ports.end(), [](const Port& port) { return port.inherited; });
}

std::uint16_t PortGroup::number_given() const {
  const auto given = std::find_if(ports.begin(), ports.end(),
                                  [](const Port& port) { return port.socket.has_value(); });
  return given == ports.end() ? std::uint16_t{0} : given->target.address.port;
}

std::vector<BindAttempt> PortGroup::open(const BindSettings& settings) {
  std::vector<BindTarget> targets;
  std::vector<Port*> missing;
  for (Port& port : ports) {
    if (port.socket) continue;
    targets.push_back(port.target);
    if (port.target.address.port == 0) targets.back().address.port = number_given();
    missing.push_back(&port);
  }
  return open_ports(*this, std::move(targets), missing, settings);
}

std::vector<BindAttempt> PortGroup::open_at(std::uint16_t number_, const BindSettings& settings) {
  std::vector<BindTarget> targets;
  std::vector<Port*> all;
  for (Port& port : ports) {
    targets.push_back(port.target);
    targets.back().address.port = number_;
    all.push_back(&port);
  }
  return open_ports(*this, std::move(targets), all, settings);
}

void PortGroup::close() {
  for (Port& port : ports)
    port.socket.reset();
}

void PortGroup::set_explanations(
    const std::vector<std::shared_ptr<const Explanation>>& explanations) {
  if (explanations.empty()) return;
  for (Port& port : ports) {
    const auto own = std::find_if(explanations.begin(), explanations.end(), [&](const auto& each) {
      return each->attempt.target.address.ip == port.target.address.ip &&
             each->attempt.target.address.family == port.target.address.family;
    });
    port.explanation = own == explanations.end() ? explanations.front() : *own;
  }
}

}  // namespace polyport
