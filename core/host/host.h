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
  std::string version;  // for the metrics
  std::chrono::milliseconds shutdown_grace{5000};
  std::uint64_t max_connections = 0;  // of the process; 0: as many as the descriptors allow
  std::uint64_t reserve_descriptors = 64;
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
  const std::vector<std::string>& notes() const;

  // Stops accepting, lets open work finish up to shutdown_grace, closes; then calls `done` once.
  void drain(std::function<void()> done);
  // Closes everything now; a running drain's `done` is called. Runs the loop, as the destructor
  // does: not from one of its callbacks.
  void stop();

  std::vector<ServiceStatus> services() const override;
  bool draining() const override;
  std::uint64_t open_connections() const override;
  std::string_view server_name() const override;
  void write_metrics(std::string& out) const override;
  LoadStatus load() const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace polyport
