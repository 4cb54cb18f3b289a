// sock_diag first, table by table; /proc/net for each table it does not answer for.
#include "core/ports/kernel_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "core/ports/socket_tables.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

constexpr std::array<SocketTable, 5> kTables = {{
    {Transport::kTcp, Family::kIPv4},
    {Transport::kTcp, Family::kIPv6},
    {Transport::kUdp, Family::kIPv4},
    {Transport::kUdp, Family::kIPv6},
    {Transport::kUnix, Family::kUnix},
}};

bool is_server(SocketState state) {
  return state == SocketState::kListening || state == SocketState::kBound;
}

std::uint32_t state_mask(SocketQuery::Which which) {
  if (which == SocketQuery::Which::kAll) return sock::kEveryState;
  return sock::state_bit(TCP_LISTEN) | sock::state_bit(TCP_CLOSE) |
         sock::state_bit(sock::kBoundInactive);
}

int protocol_of(Transport transport) {
  return transport == Transport::kUdp ? IPPROTO_UDP : IPPROTO_TCP;
}

// As Endpoint writes them: '@' for the NUL that begins an abstract name.
std::string unix_path(std::string_view told) {
  std::string path(told);
  if (!path.empty() && path.front() == '\0') {
    path.front() = '@';
  } else if (!path.empty() && path.back() == '\0') {
    path.pop_back();  // the kernel counts the end of the string to a path
  }
  return path;
}

// Whether a socket of ours that does no more than bind is told of; nothing where it could not be
// tried.
std::optional<bool> try_bound_tcp() {
  const sock::Untraced quiet;  // no port of anybody's
  const int fd = sock::open_stream(Family::kIPv4);
  if (fd < 0) return std::nullopt;
  std::optional<bool> shown;
  Address local;
  // A new network namespace has no 127.0.0.1 before its loopback is up.
  const bool bound = sock::bind(fd, Address::loopback(Family::kIPv4)) == 0 ||
                     sock::bind(fd, Address::any(Family::kIPv4)) == 0;
  if (bound && sock::local_address(fd, local) == 0) {
    std::vector<sock::DiagSocket> found;
    const sock::DiagRequest request{Family::kIPv4, IPPROTO_TCP,
                                    sock::state_bit(sock::kBoundInactive), local.port};
    if (sock::dump_sockets(request, found) == 0) {
      shown = std::any_of(found.begin(), found.end(), [&](const sock::DiagSocket& each) {
        return each.local.port == local.port;
      });
    }
  }
  sock::close(fd);
  return shown;
}

}  // namespace

std::string_view name(SocketState state) {
  switch (state) {
    case SocketState::kListening:
      return "LISTEN";
    case SocketState::kBound:
      return "UNCONN";
    case SocketState::kSynSent:
      return "SYN-SENT";
    case SocketState::kSynReceived:
      return "SYN-RECV";
    case SocketState::kEstablished:
      return "ESTAB";
    case SocketState::kFinWait1:
      return "FIN-WAIT-1";
    case SocketState::kFinWait2:
      return "FIN-WAIT-2";
    case SocketState::kCloseWait:
      return "CLOSE-WAIT";
    case SocketState::kClosing:
      return "CLOSING";
    case SocketState::kLastAck:
      return "LAST-ACK";
    case SocketState::kTimeWait:
      break;
  }
  return "TIME-WAIT";
}

std::optional<SocketState> socket_state(unsigned number) {
  switch (number) {
    case TCP_ESTABLISHED:
      return SocketState::kEstablished;
    case TCP_SYN_SENT:
      return SocketState::kSynSent;
    case TCP_SYN_RECV:
      return SocketState::kSynReceived;
    case TCP_FIN_WAIT1:
      return SocketState::kFinWait1;
    case TCP_FIN_WAIT2:
      return SocketState::kFinWait2;
    case TCP_TIME_WAIT:
      return SocketState::kTimeWait;
    case TCP_CLOSE:
    case sock::kBoundInactive:
      return SocketState::kBound;
    case TCP_CLOSE_WAIT:
      return SocketState::kCloseWait;
    case TCP_LAST_ACK:
      return SocketState::kLastAck;
    case TCP_LISTEN:
      return SocketState::kListening;
    case TCP_CLOSING:
      return SocketState::kClosing;
    default:
      return std::nullopt;
  }
}

bool matches(const SocketQuery& query, const KernelSocket& socket) {
  if (query.which == SocketQuery::Which::kServers && !is_server(socket.state)) return false;
  return !query.local_port || socket.transport == Transport::kUnix ||
         socket.local.port == *query.local_port;
}

std::optional<KernelSocket> from_diag(Transport transport, const sock::DiagSocket& told) {
  const auto state = socket_state(told.state);
  if (!state || (transport == Transport::kUnix && told.path.empty())) return std::nullopt;
  KernelSocket socket;
  socket.transport = transport;
  socket.state = *state;
  socket.local = told.local;
  socket.peer = told.peer;
  socket.path = unix_path(told.path);
  socket.file_inode = told.file_inode;
  socket.file_device = told.file_device;
  socket.ipv6_socket = told.family == Family::kIPv6;
  socket.ipv6_only = told.ipv6_only;
  socket.interface = told.interface;
  socket.uid = told.uid.value_or(0);
  socket.uid_known = told.uid.has_value() && told.inode != 0;
  socket.inode = told.inode;
  socket.receive_queue = told.receive_queue;
  socket.send_queue = told.send_queue;
  return socket;
}

bool read_by_sock_diag(const SocketTable& table, const SocketQuery& query,
                       std::vector<KernelSocket>& found) {
  std::vector<sock::DiagSocket> told;
  const sock::DiagRequest request{table.family, protocol_of(table.transport),
                                  state_mask(query.which), query.local_port.value_or(0)};
  if (sock::dump_sockets(request, told) != 0) return false;
  found.reserve(found.size() + told.size());
  for (const sock::DiagSocket& each : told) {
    auto socket = from_diag(table.transport, each);
    if (socket && matches(query, *socket)) found.push_back(std::move(*socket));
  }
  return true;
}

bool sock_diag_shows_bound_tcp() {
  // A kernel does not change its mind; it may be asked from two threads.
  enum : std::uint8_t { kUnknown, kHidden, kShown };
  static std::atomic<std::uint8_t> known = kUnknown;
  if (known == kUnknown) {
    const auto shown = try_bound_tcp();
    if (shown) known = *shown ? kShown : kHidden;
  }
  return known == kShown;
}

KernelSockets read_kernel_sockets(const SocketQuery& query) {
  KernelSockets answer;
  bool asked_tcp = false;
  for (const SocketTable& table : kTables) {
    if (!contains(query.transports, table.transport)) continue;
    if (read_by_sock_diag(table, query, answer.sockets)) {
      asked_tcp = asked_tcp || table.transport == Transport::kTcp;
      if (answer.source == KernelSockets::Source::kNone) {
        answer.source = KernelSockets::Source::kSockDiag;
      }
    } else if (read_from_proc(table, query, answer.sockets)) {
      answer.source = KernelSockets::Source::kProc;
    }
  }
  answer.shows_bound_tcp = asked_tcp && sock_diag_shows_bound_tcp();
  return answer;
}

}  // namespace polyport
