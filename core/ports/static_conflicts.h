// What the endpoints of one configuration do to each other and on this machine, found before any
// of them is opened: two that cannot both be had, ports that the kernel lends to others, ports that
// need a privilege, ports that are known for something else.
//
// Pure; the rules are those of bind_rules.h. Whether another process has a port now is not asked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/ports/machine_facts.h"
#include "core/ports/on_conflict.h"
#include "core/ports/resolve.h"

namespace polyport {

// One endpoint as a service's configuration has it.
struct PlannedEndpoint {
  std::string service;
  std::string option;  // "listen"
  std::string where;   // of this very endpoint
  Endpoint written;
  // The sockets that its first port stands for; those of the others differ in the number only. The
  // path of a unix socket as same_socket_path() has it.
  std::vector<BindTarget> targets;
  int path_error = 0;  // of a unix socket, as look_at_socket_path() has it
  OnConflict on_conflict = OnConflict::kFail;
  bool closed = false;  // state = "closed": the port is meant to have no socket
  // The registered names of ports on which nobody wonders to meet this service: its type, its name,
  // what it imitates. "*": any.
  std::vector<std::string> known_as;
};

struct StaticFindings {
  Errors errors;
  Errors warnings;
  Errors notes;  // worth knowing, and nothing is wrong
};

// In the order of the endpoints; of two that conflict the later is refused, as at the start.
StaticFindings find_static_conflicts(std::span<const PlannedEndpoint> endpoints,
                                     const MachineFacts& facts);

// Past this many findings of a kind the rest is not kept.
inline constexpr std::size_t kMaxStaticFindings = 1000;

}  // namespace polyport
