// A machine made of words, for what is judged from facts: sockets with their owners.
#pragma once

#include <string_view>
#include <utility>

#include "core/ports/port_facts.h"

namespace polyport {

// On it this process is number 100 of user 1000 and may not bind below 1024; everything else is
// added by a test.
class FactsFixture {
 public:
  FactsFixture() {
    facts.uid = 1000;
    facts.pid = 100;
    facts.families = {true, true};
    facts.kernel.shows_bound_tcp = true;
    facts.addresses = {*Address::parse_ip("10.1.2.3"), *Address::parse_ip("127.0.0.1")};
  }

  static BindTarget tcp(std::string_view ip, std::uint16_t port) {
    return {.transport = Transport::kTcp, .address = *Address::parse_ip(ip, port)};
  }
  static BindTarget path(std::string_view text) {
    return {.transport = Transport::kUnix,
            .address = Address::any(Family::kUnix),
            .path = std::string(text)};
  }
  static BindAttempt refused(BindTarget target, int error, BindStep step = BindStep::kBind) {
    return {.target = std::move(target),
            .step = step,
            .error = error,
            .reuse_address = true,
            .service = "web",
            .where = "my.toml:3:10"};
  }
  static Process process(int pid, std::string name, std::uint32_t uid = 1000) {
    Process made;
    made.pid = pid;
    made.name = std::move(name);
    made.uid = uid;
    made.user = uid == 1000 ? "ann" : "postgres";
    return made;
  }

  KernelSocket& add(SocketState state, const BindTarget& at, SocketOwner owner = {}) {
    KernelSocket socket;
    socket.transport = at.transport;
    socket.state = state;
    socket.local = at.address;
    socket.path = at.path;
    socket.ipv6_socket = at.address.family == Family::kIPv6;
    socket.ipv6_only = at.ipv6_mode == IPv6Mode::kOnly;
    socket.uid = owner.process ? owner.process->uid : 1000;
    socket.uid_known = true;
    socket.inode = next_inode_++;
    facts.owners.emplace(socket.inode, std::move(owner));
    facts.kernel.sockets.push_back(std::move(socket));
    return facts.kernel.sockets.back();
  }
  KernelSocket& add_listener(const BindTarget& at, Process owner) {
    return add(SocketState::kListening, at, {.process = std::move(owner)});
  }

  PortFacts facts;

 private:
  std::uint64_t next_inode_ = 7000;
};

}  // namespace polyport
