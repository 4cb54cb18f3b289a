#include "core/socket/socket.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>

namespace polyport::sock {

namespace {

// Of the thread that asked for it, which is the loop's.
thread_local Trace g_trace = nullptr;
thread_local void* g_trace_context = nullptr;

// Turns the kernel's -1 into -errno, and tells the watcher. `describe` is called only when there is
// one.
template <class Describe>
int finish(std::string_view name, int fd, int result, Describe describe) {
  const int error = result < 0 ? errno : 0;
  if (g_trace != nullptr) {
    g_trace(g_trace_context, Call{name, fd, describe(), result, error});
  }
  return error != 0 ? -error : result;
}

int native_family(Family family) {
  switch (family) {
    case Family::kIPv6:
      return AF_INET6;
    case Family::kUnix:
      return AF_UNIX;
    default:
      return AF_INET;
  }
}

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kIPv6:
      return "AF_INET6";
    case Family::kUnix:
      return "AF_UNIX";
    default:
      return "AF_INET";
  }
}

int open(Family family, int type, std::string_view type_name) {
  const int fd = ::socket(native_family(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return finish("socket", fd, fd,
                [&] { return std::string(family_name(family)) + ", " + std::string(type_name); });
}

struct OptionRow {
  int level;
  int name;
  std::string_view text;
};

OptionRow row(Option option, int fd) {
  switch (option) {
    case Option::kReuseAddress:
      return {SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"};
    case Option::kReusePort:
      return {SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"};
    case Option::kIpv6Only:
      return {IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"};
    case Option::kNoDelay:
      return {IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
    case Option::kDeferAccept:
      return {IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT"};
    case Option::kPacketInfo: {
      int domain = AF_INET;
      socklen_t size = sizeof domain;
      ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
      if (domain == AF_INET6) return {IPPROTO_IPV6, IPV6_RECVPKTINFO, "IPV6_RECVPKTINFO"};
      return {IPPROTO_IP, IP_PKTINFO, "IP_PKTINFO"};
    }
    case Option::kDropCount:
      return {SOL_SOCKET, SO_RXQ_OVFL, "SO_RXQ_OVFL"};
    case Option::kReceiveBuffer:
      return {SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"};
    case Option::kBindAddressNoPort:
      return {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "IP_BIND_ADDRESS_NO_PORT"};
    case Option::kLocalPortRange: {
      constexpr int kIpLocalPortRange = 51;  // younger than the headers of Debian 12
      return {IPPROTO_IP, kIpLocalPortRange, "IP_LOCAL_PORT_RANGE"};
    }
    case Option::kSendBuffer:
      break;
  }
  return {SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"};
}

// The length for bind and connect, or 0 where the path does not fit.
socklen_t to_unix(std::string_view path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  const bool abstract = !path.empty() && path.front() == '@';
  const std::size_t most = sizeof address.sun_path - (abstract ? 0 : 1);
  if (path.empty() || path.size() > most) return 0;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (abstract) address.sun_path[0] = '\0';
  const auto length = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  return static_cast<socklen_t>(length);
}

template <class CallOnce>
auto retry(CallOnce call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

template <class Result>
Result or_errno(Result result) {
  return result < 0 ? static_cast<Result>(-errno) : result;
}

int ask(int fd, Address& address, int (*call)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage raw{};
  socklen_t size = sizeof raw;
  if (call(fd, reinterpret_cast<sockaddr*>(&raw), &size) < 0) return -errno;
  address = Address::from(reinterpret_cast<const sockaddr*>(&raw));
  return 0;
}

}  // namespace

void set_trace(Trace trace, void* context) {
  g_trace = trace;
  g_trace_context = context;
}

Untraced::Untraced() : trace_(g_trace) {
  g_trace = nullptr;
}
Untraced::~Untraced() {
  g_trace = trace_;
}

int open_stream(Family family) {
  return open(family, SOCK_STREAM, "SOCK_STREAM");
}
int open_datagram(Family family) {
  return open(family, SOCK_DGRAM, "SOCK_DGRAM");
}

int adopt(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  return or_errno(::fcntl(fd, F_SETFD, FD_CLOEXEC));
}

int open_address_watch() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return -errno;
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return -error;
}

int set_option(int fd, Option option, int value) {
  const OptionRow known = row(option, fd);
  const int result = ::setsockopt(fd, known.level, known.name, &value, sizeof value);
  return finish("setsockopt", fd, result,
                [&] { return std::string(known.text) + ", " + std::to_string(value); });
}

int bind(int fd, const Address& address) {
  sockaddr_storage raw{};
  const socklen_t size = address.to(raw);
  const int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&raw), size);
  return finish("bind", fd, result, [&] { return address.text(); });
}

int bind_unix(int fd, std::string_view path, unsigned mode) {
  sockaddr_un address;
  const socklen_t size = to_unix(path, address);
  if (size == 0) return -ENAMETOOLONG;
  // The mode of the socket's inode is what bind() gives the file, less the umask, so nobody can
  // slip in between; what the umask took is added afterwards.
  if (path.front() != '@' && ::fchmod(fd, mode) < 0) return -errno;
  int result = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  if (result == 0 && path.front() != '@') result = ::chmod(address.sun_path, mode);
  return finish("bind", fd, result, [&] { return std::string(path); });
}

int listen(int fd, int backlog) {
  const int result = ::listen(fd, backlog);
  return finish("listen", fd, result, [&] { return "backlog " + std::to_string(backlog); });
}

int accept(int fd, Address& peer) {
  sockaddr_storage raw;
  socklen_t size = sizeof raw;
  const int result = retry([&] {
    size = sizeof raw;
    return ::accept4(fd, reinterpret_cast<sockaddr*>(&raw), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  if (result < 0 && errno == EAGAIN) return -EAGAIN;  // no call worth telling about
  if (result >= 0) peer = Address::from(reinterpret_cast<const sockaddr*>(&raw));
  return finish("accept4", fd, result, [&] { return result < 0 ? std::string() : peer.text(); });
}

int connect(int fd, const Address& address) {
  sockaddr_storage raw{};
  const socklen_t size = address.to(raw);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&raw), size);
  return finish("connect", fd, result, [&] { return address.text(); });
}

int connect_unix(int fd, std::string_view path) {
  sockaddr_un address;
  const socklen_t size = to_unix(path, address);
  if (size == 0) return -ENAMETOOLONG;
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
  return finish("connect", fd, result, [&] { return std::string(path); });
}

int connect_result(int fd) {
  if (!is_writable(fd)) return -EINPROGRESS;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

std::ptrdiff_t receive(int fd, char* buffer, std::size_t size) {
  return or_errno(retry([&] { return ::recv(fd, buffer, size, 0); }));
}

std::ptrdiff_t peek(int fd) {
  char byte;
  return or_errno(retry([&] { return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT); }));
}

std::ptrdiff_t send(int fd, const iovec* pieces, std::size_t count) {
  if (count == 1) {
    return or_errno(
        retry([&] { return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL); }));
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = count;
  return or_errno(retry([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL); }));
}

int receive_many(int fd, mmsghdr* messages, unsigned count) {
  return or_errno(retry([&] { return ::recvmmsg(fd, messages, count, MSG_DONTWAIT, nullptr); }));
}

int send_many(int fd, mmsghdr* messages, unsigned count) {
  return or_errno(
      retry([&] { return ::sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL); }));
}

int shutdown_write(int fd) {
  const int result = ::shutdown(fd, SHUT_WR);
  return finish("shutdown", fd, result, [] { return std::string("SHUT_WR"); });
}

void arm_reset(int fd) {
  const linger now{1, 0};
  const int result = ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  finish("setsockopt", fd, result, [] { return std::string("SO_LINGER, on, 0 s"); });
}

void close(int fd) {
  // Never retried: Linux has freed the descriptor even where close answers EINTR.
  const int result = ::close(fd);
  finish("close", fd, result, [] { return std::string(); });
}

int local_address(int fd, Address& address) {
  return ask(fd, address, ::getsockname);
}
int peer_address(int fd, Address& address) {
  return ask(fd, address, ::getpeername);
}

namespace {

// Zero where the kernel does not answer.
int ask_option(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, option, &value, &size) == 0 ? value : 0;
}

Family family_of(int domain) {
  switch (domain) {
    case AF_INET:
      return Family::kIPv4;
    case AF_INET6:
      return Family::kIPv6;
    case AF_UNIX:
      return Family::kUnix;
    default:
      return Family::kNone;
  }
}

// The path of a unix socket's own end as Endpoint has it.
std::string unix_path(const sockaddr_un& address, socklen_t size) {
  const std::size_t most = std::min<std::size_t>(size, sizeof address);
  if (most <= offsetof(sockaddr_un, sun_path)) return {};
  const std::string_view raw(address.sun_path, most - offsetof(sockaddr_un, sun_path));
  if (raw.front() == '\0') return "@" + std::string(raw.substr(1));
  return std::string(raw.substr(0, raw.find('\0')));
}

}  // namespace

int identify(int fd, Identity& identity) {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0) return -errno;
  identity = {};
  identity.kind = type == SOCK_STREAM  ? Identity::Kind::kStream
                  : type == SOCK_DGRAM ? Identity::Kind::kDatagram
                                       : Identity::Kind::kOther;
  identity.family = family_of(ask_option(fd, SOL_SOCKET, SO_DOMAIN));
  identity.listening = ask_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 0;
  if (identity.family == Family::kUnix) {
    sockaddr_un raw{};
    size = sizeof raw;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&raw), &size) < 0) return -errno;
    identity.local.family = Family::kUnix;
    identity.path = unix_path(raw, size);
    return 0;
  }
  if (identity.family == Family::kIPv6) {
    identity.ipv6_only = ask_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
  }
  return identity.family == Family::kNone ? 0 : local_address(fd, identity.local);
}

int tcp_state(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -errno;
  return info.tcpi_state;
}

int accept_queue(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -errno;
  if (info.tcpi_state != TCP_LISTEN) return -EINVAL;
  // On a listening socket these two fields are its queue and the queue's limit (sock_diag(7)).
  return static_cast<int>(info.tcpi_unacked);
}

int read_tcp_info(int fd, TcpInfo& info) {
  constexpr std::string_view kStates[] = {"unknown",    "established", "syn_sent",  "syn_recv",
                                          "fin_wait1",  "fin_wait2",   "time_wait", "close",
                                          "close_wait", "last_ack",    "listen",    "closing"};
  tcp_info raw{};
  socklen_t size = sizeof raw;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &raw, &size) < 0) return -errno;
  info = {.state = kStates[raw.tcpi_state < std::size(kStates) ? raw.tcpi_state : 0],
          .rtt_us = raw.tcpi_rtt,
          .rtt_variance_us = raw.tcpi_rttvar,
          .congestion_window = raw.tcpi_snd_cwnd,
          .send_mss = raw.tcpi_snd_mss,
          .receive_mss = raw.tcpi_rcv_mss,
          .path_mtu = raw.tcpi_pmtu,
          .retransmits = raw.tcpi_total_retrans,
          .unacknowledged = raw.tcpi_unacked,
          .lost = raw.tcpi_lost};
  return 0;
}

Hangup hangup(int fd) {
  pollfd poll{fd, 0, 0};
  if (::poll(&poll, 1, 0) <= 0) return Hangup::kNone;
  if ((poll.revents & POLLERR) != 0) return Hangup::kError;
  return (poll.revents & POLLHUP) != 0 ? Hangup::kBoth : Hangup::kNone;
}

bool is_writable(int fd) {
  pollfd poll{fd, POLLOUT, 0};
  return ::poll(&poll, 1, 0) > 0;
}

std::uint32_t peer_uid(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return 65534;
  return credentials.uid;
}

bool is_own_peer(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
         credentials.pid == ::getpid();
}

}  // namespace polyport::sock
