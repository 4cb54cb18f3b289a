// Instance: one service of the process with its doors and their sockets.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/handover.h"
#include "core/host/host.h"
#include "core/host/port_group.h"
#include "core/net/admission.h"
#include "core/net/network.h"
#include "core/net/tls.h"
#include "core/ports/on_conflict.h"
#include "core/socket/networks.h"

namespace polyport {

// Whether one worker alone may serve it: ServiceType::shares_state.
bool is_pinned(const ServiceType& type, const OptionValues& values);

class Instance {
 public:
  // Who serves its sockets, where there are worker processes.
  enum class Served : std::uint8_t {
    kHere,
    kByOthers,  // it is not started: other processes are, with its sockets or with their own
  };

  Instance(ServicePlan plan, UdpGuard& guard);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Finds out what every endpoint stands for on this machine (`families` are those it has); nothing
  // is opened. What makes no sense is added to `errors`, what a person should know to `notes`.
  void plan_ports(Families families, Errors& errors, std::vector<std::string>& notes);
  // In the supervisor: every port is to have a socket for each of so many workers, who serve them.
  void serve_by_workers(int workers);
  // In a worker, in place of plan_ports: the ports as they are, with the sockets that it serves.
  // Takes over their descriptors; false where they are not this service's.
  bool take_over(const HandedService& service);
  // The same for one group, which had to wait for its port.
  bool take_over(const HandedGroup& group, Network& network);
  // In a worker: serves the sockets of another one, which has died, beside its own; those that it
  // serves already it leaves. Takes over the descriptors that it sets to -1. False where some of
  // them are too many.
  bool foster(HandedService& service, int of_worker, Network& network);
  // Lets go of them: their own worker is back.
  void give_back(int of_worker);
  // In the supervisor: what `worker` has to know. The descriptors stay ours.
  HandedService hand_over(int worker) const;
  HandedGroup hand_over(int worker, const PortGroup& group) const;
  // And of that, what another one must have to serve in its place.
  HandedService hand_over_to_foster(int worker) const;
  HandedGroup hand_over_to_foster(int worker, const PortGroup& group) const;

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
  Result<void> start(Loop& loop, Network& network, Log& log, HostView& host,
                     const HostOptions& options);
  // Hands the sockets to the network, which begins to accept.
  void serve(Network& network);
  // The same for a group that was opened while the others were served already.
  void serve_late(PortGroup& group, Network& network);
  void stop();

  void set_state(ServiceState state) { state_ = state; }
  ServiceState state() const { return state_; }
  const ServicePlan& plan() const { return plan_; }
  // `totals` as Network::totals gives them. Without the accept queues, which the kernel has to be
  // asked for.
  ServiceStatus status(const std::vector<Network::Totals>& totals) const;
  // `status` has the listeners that status() gave it, in that order.
  void fill_accept_queues(ServiceStatus& status) const;

 private:
  void make_doors(UdpGuard& guard);
  void plan_endpoint(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                     Families families, Errors& errors, std::vector<std::string>& notes);
  void use_websocket(ServedDoor& door);
  static void take_over(const HandedPort& handed, Port& port);
  void add_group(ServedDoor& door, const Endpoint& endpoint, const std::string& where,
                 BindGroup group);
  StageMakers stages_of(const PortGroup& group) const;
  // `development` for TLS endpoints that have no certificate of their own.
  Result<void> start_tls(Log& log, const std::optional<TlsFiles>& development);
  void serve_group(PortGroup& group, Network& network);
  ListenerStatus status(const PortGroup& group, const Port& port,
                        const std::vector<Network::Totals>& totals) const;
  void add_counts(ListenerStatus& row, const Listener& listener,
                  const std::vector<Network::Totals>& totals) const;
  static void add_counts(ListenerStatus& row, const UdpSocket& socket);
  ListenerState state(const PortGroup& group, const Port& port) const;
  int accept_queue(const Port& port) const;

  ServicePlan plan_;
  ServiceState state_ = ServiceState::kStarting;
  std::string reason_;
  bool closed_ = false;
  bool accepts_ = true;
  Served served_ = Served::kHere;
  TlsTicketKeys tickets_{};
  Admission admission_;
  AccessList access_;
  QueueLedger queued_;
  MemoryLedger memory_;
  BindSettings bind_settings_;
  std::unique_ptr<TlsDoor> tls_;  // where an endpoint wants it
  std::unique_ptr<Service> service_;
  std::unique_ptr<ServiceContext> context_;
  std::vector<std::unique_ptr<ServedDoor>> doors_;
  std::vector<PortGroup> groups_;

  // A socket of another worker. It stays when it has been given back, for what it has counted, and
  // is used again the next time.
  struct Fostered {
    int of_worker;
    const std::string& port;  // its id
    Listener* listener;
    UdpSocket* udp;
  };
  bool is_fostered(int of_worker, const Port& port) const;
  bool foster_again(const Port& port, int fd, int of_worker);
  void foster(const PortGroup& group, const Port& port, int fd, int of_worker, Network& network);
  std::vector<Fostered> fostered_;
};

}  // namespace polyport
