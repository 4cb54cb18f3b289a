// Handover: what a worker process is told of the services, as the supervisor has them: which it
// serves itself, and every port with its socket.
//
// A worker opens nothing and looks nothing up: what a name stands for, where a service moved to and
// which port 0 became was found out once, by the supervisor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json_value.h"
#include "core/base/json_writer.h"
#include "core/ports/resolve.h"
#include "core/service.h"

namespace polyport {

struct HandedPort {
  std::string id;
  BindTarget target;
  bool inherited = false;
  // Whose it is depends: lent where it is handed over, the owner's where it was received. -1: it is
  // not open, or served by another process.
  int fd = -1;
};

struct HandedGroup {
  std::string door;
  Transport transport = Transport::kTcp;
  std::string configured;
  std::string where;
  std::uint32_t number = 0;
  ListenerOrigin origin = ListenerOrigin::kConfigured;
  bool retrying = false;
  std::vector<HandedPort> ports;
};

struct HandedService {
  std::string name;
  bool here = false;        // served by who receives this
  bool skipped = false;     // on_conflict = "skip" left it out
  std::string reason;       // then
  std::string tls_tickets;  // the keys of its session tickets, as bytes; empty without TLS
  std::vector<HandedGroup> groups;
};

// An array. Each descriptor goes to the end of `descriptors` and is written as its place there.
void write_handover(JsonWriter& json, const std::vector<HandedService>& services,
                    std::vector<int>& descriptors);
// Nothing where it cannot be understood; the descriptors stay the caller's then.
std::optional<std::vector<HandedService>> read_handover(const JsonValue& services,
                                                        const std::vector<int>& descriptors);

// What kept a worker from starting, as text and back.
std::string handed_errors(const Errors& errors);
Errors read_handed_errors(std::string_view text);

}  // namespace polyport
