// Every system call on a socket, each once.
//
// Thin on purpose: results are the kernel's, a negative number is -errno, and nothing is retried
// except EINTR. It is a library of its own so that a test can link a scripted one in its place.
// Whether what a call answered is an error, and for whom, is decided above.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/socket/address.h"

namespace polyport::sock {

// --- watching the calls --------------------------------------------------------------------------
// One call that made, changed or ended a socket (socket, setsockopt, bind, listen, accept4,
// shutdown, close): reads and writes are not reported.
struct Call {
  std::string_view name;
  int fd = -1;
  std::string arguments;  // as a person would write them: "127.0.0.1:10007", "SO_REUSEADDR, 1"
  int result = 0;         // of the call; -1 with `error` set
  int error = 0;
};
using Trace = void (*)(void* context, const Call& call);
// Reports each call to `trace` from now on; null ends it. For one watcher, on the loop's thread.
void set_trace(Trace trace, void* context);
// While one lives nothing is reported: for calls that only ask what this machine can do.
class Untraced {
 public:
  Untraced();
  ~Untraced();
  Untraced(const Untraced&) = delete;
  Untraced& operator=(const Untraced&) = delete;

 private:
  Trace trace_;
};

// --- making --------------------------------------------------------------------------------------
// Non-blocking and close-on-exec. Family kUnix gives AF_UNIX.
int open_stream(Family family);
int open_datagram(Family family);

// A socket that another process has made and passed to us becomes as one of ours: non-blocking and
// close-on-exec. Zero, or -errno.
int adopt(int fd);
// Readable whenever an address of this network namespace comes or goes (rtnetlink). What it says is
// of no use but that; read it with receive() until nothing is left.
int open_address_watch();

enum class Option : std::uint8_t {
  kReuseAddress,       // SO_REUSEADDR
  kReusePort,          // SO_REUSEPORT
  kIpv6Only,           // IPV6_V6ONLY
  kNoDelay,            // TCP_NODELAY
  kDeferAccept,        // TCP_DEFER_ACCEPT, seconds
  kPacketInfo,         // IP_PKTINFO or IPV6_RECVPKTINFO, by the socket's family
  kDropCount,          // SO_RXQ_OVFL
  kReceiveBuffer,      // SO_RCVBUF, bytes
  kSendBuffer,         // SO_SNDBUF, bytes
  kBindAddressNoPort,  // IP_BIND_ADDRESS_NO_PORT: bind takes the address, connect the port
  kLocalPortRange,     // IP_LOCAL_PORT_RANGE, see local_port_range(); Linux 6.3 and later
};
int set_option(int fd, Option option, int value);
// The value of kLocalPortRange: the socket is lent one of the ports low to high.
constexpr int local_port_range(std::uint16_t low, std::uint16_t high) {
  return static_cast<int>(std::uint32_t{low} | std::uint32_t{high} << 16);
}

int bind(int fd, const Address& address);
// `path` as in Endpoint: "@name" is abstract. The file gets `mode` before anybody can connect.
int bind_unix(int fd, std::string_view path, unsigned mode);
int listen(int fd, int backlog);
int accept(int fd, Address& peer);
int connect(int fd, const Address& address);
int connect_unix(int fd, std::string_view path);
// What a connect that answered -EINPROGRESS has come to: that still, 0, or its -errno (once).
int connect_result(int fd);

// --- moving bytes --------------------------------------------------------------------------------
std::ptrdiff_t receive(int fd, char* buffer, std::size_t size);
// Looks at one byte without taking it: 0 at the end, -EAGAIN where nothing is there yet.
std::ptrdiff_t peek(int fd);
// Never raises SIGPIPE.
std::ptrdiff_t send(int fd, const iovec* pieces, std::size_t count);
int receive_many(int fd, mmsghdr* messages, unsigned count);
int send_many(int fd, mmsghdr* messages, unsigned count);

// --- ending --------------------------------------------------------------------------------------
int shutdown_write(int fd);
// Makes the close that follows a RST.
void arm_reset(int fd);
void close(int fd);

// --- asking --------------------------------------------------------------------------------------
int local_address(int fd, Address& address);
int peer_address(int fd, Address& address);

// What a socket is, of which we know nothing but its number.
struct Identity {
  enum class Kind : std::uint8_t { kStream, kDatagram, kOther };
  Kind kind = Kind::kOther;
  Family family = Family::kNone;  // kNone: neither IP nor unix
  bool listening = false;
  bool ipv6_only = false;  // of an IPv6 socket
  Address local;
  std::string path;  // unix: "@name" is abstract; empty where it is not bound
};
// -ENOTSOCK, -EBADF, or zero with `identity` filled.
int identify(int fd, Identity& identity);

// Connections that wait in a listening TCP socket's queue to be accepted; -errno for any other
// socket.
int accept_queue(int fd);
// The state of a TCP socket by the numbers of netinet/tcp.h (TCP_ESTABLISHED …).
int tcp_state(int fd);
// What the kernel has heard of a connection's end, whatever may still be read from it.
enum class Hangup : std::uint8_t {
  kNone,
  kBoth,   // both directions are over, in an orderly way
  kError,  // a RST, say
};
Hangup hangup(int fd);
bool is_writable(int fd);
bool is_readable(int fd);  // of a listening one: somebody waits
// What the kernel knows of a TCP connection (TCP_INFO); -errno for any other socket.
struct TcpInfo {
  std::string_view state;  // "established", "close_wait", …
  std::uint32_t rtt_us = 0;
  std::uint32_t rtt_variance_us = 0;
  std::uint32_t congestion_window = 0;  // in segments
  std::uint32_t send_mss = 0;
  std::uint32_t receive_mss = 0;
  std::uint32_t path_mtu = 0;
  std::uint32_t retransmits = 0;  // in all
  std::uint32_t unacknowledged = 0;
  std::uint32_t lost = 0;
};
int read_tcp_info(int fd, TcpInfo& info);
std::uint32_t peer_uid(int fd);  // of a unix stream; the overflow uid where the kernel does not say
// Whether this very process is at the other end of a unix stream.
bool is_own_peer(int fd);

}  // namespace polyport::sock
