// The kernel's own table of sockets, asked through NETLINK_SOCK_DIAG (sock_diag(7)).
//
// Every system call of that conversation, and the reading of what comes back. It tells what the
// kernel tells, in the kernel's numbers; what that means is decided in core/ports. Blocks for as
// long as the kernel takes to write its tables, and never longer than two seconds for one part of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/socket/address.h"

namespace polyport::sock {

// A state that <netinet/tcp.h> has no name for.
inline constexpr unsigned kBoundInactive = 13;  // asked for: bound, neither listening nor connected

// A mask of states: bit n is state n (TCP_LISTEN is 10).
constexpr std::uint32_t state_bit(unsigned state) {
  return 1u << state;
}
inline constexpr std::uint32_t kEveryState = (1u << (kBoundInactive + 1)) - 1;

struct DiagRequest {
  Family family = Family::kIPv4;
  int protocol = 0;  // IPPROTO_TCP or IPPROTO_UDP; of no meaning for unix sockets
  std::uint32_t states = kEveryState;
  // 0: any. The kernel passes over the others, except where it lists what is bound only.
  std::uint16_t local_port = 0;
};

struct DiagSocket {
  Family family = Family::kNone;  // of the socket: IPv6 even where its addresses are mapped IPv4
  std::uint8_t state = 0;  // TCP_ESTABLISHED and so on, for UDP and unix too; TCP_CLOSE: bound only
  bool ipv6_only = false;
  Address local;                // unix: of family kUnix
  Address peer;                 // of family kNone where there is none
  std::uint32_t interface = 0;  // SO_BINDTODEVICE; or of the link-local address; else 0
  // As the caller's user namespace numbers it. Empty where the kernel did not say.
  std::optional<std::uint32_t> uid;
  std::uint32_t inode = 0;
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;
  std::string path;  // unix: with its leading NUL where it is abstract
  // unix: the file it was bound to, as stat() has it (of the inode the lower 32 bits); 0: none.
  std::uint32_t file_inode = 0;
  std::uint64_t file_device = 0;
};

// Appends all sockets that match, in the kernel's order. 0, or -errno; then `found` is as it was.
// Where the tables change whenever they are read, the last of a few readings is taken.
int dump_sockets(const DiagRequest& request, std::vector<DiagSocket>& found);

// --- pure, for the function above and for tests --------------------------------------------------
struct DiagPart {
  enum class Next : std::uint8_t { kMore, kDone, kFailed };
  Next next = Next::kMore;
  int error = 0;             // of kFailed: -errno; -EBADMSG for bytes that are no answer
  bool interrupted = false;  // the tables changed under the dump (NLM_F_DUMP_INTR)
};

// Reads one datagram of the answer to request number `sequence`, and appends its sockets.
DiagPart read_diag_part(Bytes datagram, std::uint32_t sequence, std::vector<DiagSocket>& found);

}  // namespace polyport::sock
