// Snapshot: the sockets of this network namespace at one moment, with what a person wants to know
// about each. Gathered once; how it is shown is decided elsewhere.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/commands/ports.h"
#include "core/ports/kernel_sockets.h"
#include "core/ports/namespaces.h"
#include "core/ports/processes.h"
#include "core/ports/ranges.h"

namespace polyport {

struct PortRow {
  KernelSocket socket;
  // As ss writes them, with the interface where it is bound to one: "127.0.0.53%lo:53". `peer` is
  // empty where there is none.
  std::string local;
  std::string peer;
  std::string interface;        // its name; empty where it is bound to none
  std::string name;             // of the number; servers only
  std::string user;             // the owner; empty where nobody knows
  std::vector<int> pids;        // those in `processes`; of a polyport with workers it comes first
  int workers = 0;              // of these, its worker processes
  Hidden hidden = Hidden::kNo;  // why there are none
  bool ours = false;            // a polyport has it, and says so
  std::string service;          // its service
};

struct Snapshot {
  std::vector<PortRow> servers;      // by port, then transport and address
  std::vector<PortRow> connections;  // by near port, near address and far end
  std::map<int, Process> processes;
  KernelSockets::Source source = KernelSockets::Source::kNone;
  bool shows_bound_tcp = false;
  NetworkNamespace network = NetworkNamespace::kUnknown;
  bool first_pid_namespace = true;
  std::uint32_t uid = 0;  // who looks
  EphemeralRange ephemeral;
};

Snapshot take_snapshot(const PortsOptions& options);

}  // namespace polyport
