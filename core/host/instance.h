// Instance: one service of the process with its doors and their sockets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/host/binder.h"
#include "core/host/host.h"
#include "core/net/admission.h"
#include "core/net/network.h"

namespace polyport {

class Instance {
 public:
  Instance(ServicePlan plan, UdpGuard& guard);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  // Opens every socket of every door. What cannot be opened is added to `errors`; what a person
  // should know to `notes`.
  // `families` are those this machine has.
  void open_sockets(Families families, Errors& errors, std::vector<std::string>& notes);
  // Closes what was opened and says why nothing is served.
  void skip(std::string reason);
  Result<void> start(Loop& loop, Network& network, Log& log, HostView& host);
  // Hands the sockets to the network, which begins to accept.
  void serve(Network& network);
  void stop();

  void set_state(ServiceState state) { state_ = state; }
  ServiceState state() const { return state_; }
  const ServicePlan& plan() const { return plan_; }
  bool skips_conflicts() const;
  // `totals` as Network::totals gives them.
  ServiceStatus status(const std::vector<Network::Totals>& totals) const;

  template <class Visit>
  void for_each_stream_door(Visit visit) const {
    for (const auto& door : doors_)
      visit(door->stream);
  }

 private:
  // A door with what serves its sockets.
  struct OpenDoor {
    const Door& door;
    std::unique_ptr<StreamHandler> http;  // of kind kHttp
    StreamDoor stream;
    UdpDoor udp;
  };
  struct Port {
    OpenDoor& door;
    std::string id;
    std::string configured;
    std::uint32_t group;
    OpenSocket socket;
    Listener* listener = nullptr;
    UdpSocket* udp = nullptr;
  };

  void make_doors(UdpGuard& guard);
  void open_endpoint(OpenDoor& door, const Endpoint& endpoint, Families families, Errors& errors,
                     std::vector<std::string>& notes);
  ListenerStatus status(const Port& port, const std::vector<Network::Totals>& totals) const;

  ServicePlan plan_;
  ServiceState state_ = ServiceState::kStarting;
  std::string reason_;
  Admission admission_;
  BindSettings bind_settings_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<ServiceContext> context_;
  std::vector<std::unique_ptr<OpenDoor>> doors_;
  std::vector<Port> ports_;
  std::uint32_t groups_ = 0;
};

}  // namespace polyport
