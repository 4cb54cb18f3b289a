// Instance: one service of the process with its doors and their sockets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/host.h"
#include "core/host/port_group.h"
#include "core/net/admission.h"
#include "core/net/network.h"
#include "core/net/tls.h"
#include "core/ports/on_conflict.h"

namespace polyport {

class Instance {
 public:
  Instance(ServicePlan plan, UdpGuard& guard);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Finds out what every endpoint stands for on this machine (`families` are those it has); nothing
  // is opened. What makes no sense is added to `errors`, what a person should know to `notes`.
  void plan_ports(Families families, Errors& errors, std::vector<std::string>& notes);
  std::vector<PortGroup>& groups() { return groups_; }
  const std::vector<PortGroup>& groups() const { return groups_; }
  const BindSettings& bind_settings() const { return bind_settings_; }
  OnConflict on_conflict() const { return on_conflict_of(plan_.values.text("on_conflict")); }
  int next_attempts() const { return static_cast<int>(plan_.values.integer("next_attempts")); }
  // Its ports are reserved and refused: nothing is opened.
  bool closed() const { return closed_; }
  bool wants_ports() const { return state_ == ServiceState::kStarting; }

  // Closes what was opened and says why nothing is served.
  void skip(std::string reason);
  bool has_reason() const { return !reason_.empty(); }
  // `development` for TLS endpoints that have no certificate of their own.
  Result<void> start(Loop& loop, Network& network, Log& log, HostView& host,
                     const std::optional<TlsFiles>& development);
  // Hands the sockets to the network, which begins to accept.
  void serve(Network& network);
  // The same for a group that was opened while the others were served already.
  void serve_late(PortGroup& group, Network& network);
  void stop();

  void set_state(ServiceState state) { state_ = state; }
  ServiceState state() const { return state_; }
  const ServicePlan& plan() const { return plan_; }
  // `totals` as Network::totals gives them.
  ServiceStatus status(const std::vector<Network::Totals>& totals) const;

  template <class Visit>
  void for_each_stream_door(Visit visit) const {
    for (const auto& door : doors_)
      visit(door->stream);
  }

 private:
  void make_doors(UdpGuard& guard);
  void plan_endpoint(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                     Families families, Errors& errors, std::vector<std::string>& notes);
  void add_group(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                 BindGroup group);
  StageMakers stages_of(const PortGroup& group) const;
  Result<void> start_tls(Log& log, const std::optional<TlsFiles>& development);
  void serve_group(PortGroup& group, Network& network);
  ListenerStatus status(const PortGroup& group, const Port& port,
                        const std::vector<Network::Totals>& totals) const;
  ListenerState state(const PortGroup& group, const Port& port) const;

  ServicePlan plan_;
  ServiceState state_ = ServiceState::kStarting;
  std::string reason_;
  bool closed_ = false;
  bool accepts_ = true;
  Admission admission_;
  BindSettings bind_settings_;
  std::unique_ptr<TlsDoor> tls_;  // where an endpoint wants it
  std::unique_ptr<Service> service_;
  std::unique_ptr<ServiceContext> context_;
  std::vector<std::unique_ptr<ServedDoor>> doors_;
  std::vector<PortGroup> groups_;
};

}  // namespace polyport
