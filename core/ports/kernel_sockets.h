// The sockets of this network namespace as the kernel tells them: who listens, who is connected,
// what lingers in TIME_WAIT.
//
// Asked through sock_diag(7); where the kernel does not answer that, read from /proc/net, which
// knows less. It tells sockets and the users who own them, not processes: see
// core/ports/processes.h. Blocks; not for a running loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/endpoint.h"
#include "core/socket/address.h"

namespace polyport {

enum class SocketState : std::uint8_t {
  kListening,
  kBound,  // has a port, neither listens nor is connected: TCP before listen(), or UDP
  kSynSent,
  kSynReceived,
  kEstablished,  // UDP too, where connect() was called
  kFinWait1,
  kFinWait2,
  kCloseWait,
  kClosing,
  kLastAck,
  kTimeWait,
};
std::string_view name(SocketState state);  // as ss writes it: "LISTEN", "ESTAB", "TIME-WAIT", …

struct KernelSocket {
  Transport transport = Transport::kTcp;
  SocketState state = SocketState::kBound;
  Address local;             // of family kUnix for a unix socket; IPv4-mapped addresses are IPv4
  Address peer;              // of family kNone where there is none
  std::string path;          // unix: as in Endpoint ("@name" is abstract)
  bool ipv6_socket = false;  // the socket is AF_INET6, even where its addresses are mapped IPv4
  bool ipv6_only = false;    // IPV6_V6ONLY; false where the source cannot tell
  // The interface it is bound to (SO_BINDTODEVICE, or a link-local address); 0: to none, or the
  // source cannot tell. Sockets of two interfaces do not meet.
  std::uint32_t interface = 0;
  std::uint32_t uid = 0;   // of its owner, where that is known
  bool uid_known = false;  // the kernel forgets the owner of what has no inode
  // 0: no file refers to it (TIME_WAIT, an orphan, a connection that waits to be accepted).
  // unix: the file it was bound to, as stat() has it (of the inode the lower 32 bits); 0: unknown.
  std::uint32_t file_inode = 0;
  std::uint64_t file_device = 0;
  std::uint64_t inode = 0;
  // Bytes; of a listening TCP socket: connections that wait, and how many may.
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
};

struct KernelSockets {
  // kProc: some of them are from /proc/net. kNone: neither source could be read.
  enum class Source : std::uint8_t { kSockDiag, kProc, kNone };
  std::vector<KernelSocket> sockets;
  Source source = Source::kNone;
  // Whether a TCP socket that is bound and neither listening nor connected would be among them;
  // older kernels keep it out of every table.
  bool shows_bound_tcp = false;
};

struct SocketQuery {
  enum class Which : std::uint8_t { kAll, kServers };  // kServers: listening or bound, no 4-tuples
  Transports transports = polyport::transports(Transport::kTcp, Transport::kUdp);
  Which which = Which::kAll;
  std::optional<std::uint16_t> local_port;  // of TCP and UDP; unix sockets have none and all match
};

// In no order that means anything; unix sockets without a name, which nobody can collide with, are
// left out.
KernelSockets read_kernel_sockets(const SocketQuery& query);

}  // namespace polyport
