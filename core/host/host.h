// Host: the services of one process and their listeners, on one loop.
//
// Opens everything or nothing, serves, drains. Knows no configuration file and no command line: it
// is given checked values.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/host/handover.h"
#include "core/host/report.h"
#include "core/net/tls_material.h"
#include "core/observe/events.h"
#include "core/ports/explanation.h"
#include "core/service.h"

namespace polyport {

// One service to run: a table of the config with its type.
struct ServicePlan {
  std::string name;
  const ServiceType* type = nullptr;
  OptionValues values;
  std::string where;  // of the table, for messages
};

struct HostOptions {
  std::string server_name = "polyport";
  std::string version;         // for the metrics
  std::string state_dir = {};  // ServiceContext::state_dir
  std::chrono::milliseconds shutdown_grace{5000};
  std::uint64_t max_connections = 0;  // of the process; 0: as many as the descriptors allow
  std::uint64_t reserve_descriptors = 64;
  // Processes that serve. With more than one of them start() is the supervisor's: it opens the
  // sockets of all and serves health and admin alone; the workers use start_worker().
  int workers = 1;
  // Who answers for the program to its services, in place of this host: the supervisor.
  HostView* view = nullptr;
  std::uint64_t max_new_connections_per_second = 0;  // of the process; 0: no limit, as below
  std::uint64_t max_connections_per_address = 0;
  std::uint64_t max_queued = 0;    // bytes
  std::uint64_t memory_limit = 0;  // bytes
  // For TLS endpoints that have no certificate of their own.
  std::optional<TlsFiles> development_certificate = {};
  // As in ExplainRequest: to start the same again, for what is suggested.
  std::string run_command = "polyport run";
  int offset = 0;
};

// A bound socket that another process has passed to us; core/host/inherited.h.
struct InheritedSocket {
  int fd = -1;
  std::string name;  // what the other one calls it; may be empty
};

// What keeps a host from starting.
struct StartFailure {
  Errors errors;
  std::vector<Explanation> explanations;  // of the ports that could not be had
  // Ports as a person counts them: TCP 53 and UDP 53 are two, 127.0.0.1 and ::1 are one.
  std::size_t failed_ports = 0;
  std::size_t wanted_ports = 0;
  bool had_ports = false;  // all of them: it is a service that could not begin

  bool empty() const { return errors.empty() && explanations.empty(); }
};

class Host final : public HostView {
 public:
  Host(Loop& loop, Log& log, Events& events, HostOptions options);
  ~Host() override;

  // Creates every enabled service, opens every socket (bind and listen) that it was not given,
  // starts the services, and only then accepts. Where anything fails and the service's on_conflict
  // does not take it, nothing is left open, and all that failed is returned. Takes over the
  // descriptors of `inherited`. `notes` are things a person should know: an address family this
  // machine lacks, a listener that moved.
  StartFailure start(std::vector<ServicePlan> plans, std::vector<InheritedSocket> inherited = {});
  // In a worker: the same with the ports as the supervisor has them; nothing is opened. Takes over
  // the descriptors.
  StartFailure start_worker(std::vector<ServicePlan> plans,
                            const std::vector<HandedService>& handed);
  // In a worker: a port that had to wait is open now. Takes over the descriptors.
  void open_handed(const std::vector<HandedService>& handed);
  // In a worker: serves in place of another one that has died, until that is back. Takes over the
  // descriptors.
  void foster(std::vector<HandedService> handed, int of_worker);
  void give_back(int of_worker);
  // In the supervisor: all that this worker has to know, or of the one group alone that has the
  // listener. The descriptors stay the host's.
  std::vector<HandedService> hand_over(int worker) const;
  std::vector<HandedService> hand_over(int worker, std::string_view listener) const;
  // And of either, what another worker must have to serve in its place.
  std::vector<HandedService> hand_over_to_foster(int worker) const;
  std::vector<HandedService> hand_over_to_foster(int worker, std::string_view listener) const;
  const std::vector<std::string>& notes() const;

  // Stops accepting, lets open work finish up to shutdown_grace, closes; then calls `done` once.
  void drain(std::function<void()> done);
  // Closes everything now; a running drain's `done` is called. Runs the loop, as the destructor
  // does: not from one of its callbacks.
  void stop();

  std::vector<ServiceStatus> services() const override;
  ProcessStatus process() const override;
  bool draining() const override;
  std::uint64_t open_connections() const override;
  std::string_view server_name() const override;
  void write_metrics(std::string& out) const override;
  // What this process has done, without what the kernel has to be asked for: whoever answers for
  // the program adds that, once for all processes.
  HostReport report() const;
  LoadStatus load() const override;
  // `services` as services() gives them: how many clients wait at each listener now.
  void fill_accept_queues(std::vector<ServiceStatus>& services) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyport
