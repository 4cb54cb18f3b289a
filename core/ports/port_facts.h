// What is true on this machine about the ports in question: what the judgement (core/ports/judge.h)
// is made from. Gathered once for all of them.
//
// Blocks (reads /proc, asks the kernel): at start, in commands, never on a running loop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ports/explanation.h"
#include "core/ports/machine_facts.h"

namespace polyport {

// Who has a socket.
struct SocketOwner {
  std::optional<Process> process;
  std::vector<int> more_pids;   // further processes that have it open
  Hidden hidden = Hidden::kNo;  // why there is no process
  // Of a polyport that lets us read them: the service and where its configuration has it.
  std::string service;
  std::string where;
};

// Which ports can be seen from here: they belong to a network namespace.
enum class View : std::uint8_t {
  kMachine,
  kNamespace,  // another network namespace than the first process of this system has
  kContainer,  // the host's are not visible
};
View where_we_look_from();

struct PortFacts {
  KernelSockets kernel;
  std::unordered_map<std::uint64_t, SocketOwner> owners;  // by inode, of the sockets in `kernel`
  EphemeralRange ephemeral;
  std::uint16_t unprivileged_start = 1024;
  Families families;
  std::vector<Address> addresses;  // of this machine's interfaces, port 0
  UnusableAddresses unusable;      // of these
  View view = View::kMachine;
  std::uint32_t uid = 0;
  int pid = 0;
  bool may_bind_privileged = false;  // CAP_NET_BIND_SERVICE
  PortSet reserved;                  // ports that are never lent
  std::string program;               // the path of this program
};

// For explaining these attempts: sockets of other ports are left out, owners are looked for only
// where one of the attempts has failed.
PortFacts gather_port_facts(std::span<const BindAttempt> attempts);

// Tries one bind and reports what the kernel said; nothing stays bound. Sets SO_REUSEADDR on TCP as
// a server does, and does not listen: a client could connect in that moment, and on Linux listen()
// does not fail for the second of two sockets that could both bind. A unix path is never made, but
// whoever listens at it sees a connection come and go.
BindAttempt try_bind(const BindTarget& target);

}  // namespace polyport
