// Netlink by hand: a request is one struct, an answer is datagrams of messages of attributes, all
// of them length-prefixed. Each length is checked against what is left before anything is read.
#include "core/socket/sock_diag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace polyport::sock {

namespace {

// Newer than the oldest headers we build with.
constexpr std::uint32_t kShowUnixUid = 0x40;
constexpr std::uint16_t kUnixUidAttribute = 7;

constexpr int kMostAttempts = 3;
// The kernel fills what it is offered, up to 32 KiB.
constexpr std::size_t kPartBytes = 64 * 1024;
constexpr timeval kLongestWait{2, 0};

// --- reading -------------------------------------------------------------------------------------
constexpr std::size_t aligned(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

// The struct that `bytes` begin with, or nothing where they are too few.
template <class Struct>
std::optional<Struct> front_as(Bytes bytes) {
  if (bytes.size() < sizeof(Struct)) return std::nullopt;
  Struct value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// Takes what stands between the header and `length` off the front, with its padding.
Bytes take_content(Bytes& rest, std::size_t header, std::size_t length) {
  const Bytes content = rest.substr(header, length - header);
  rest.remove_prefix(std::min(aligned(length), rest.size()));
  return content;
}

// Calls `each(type, content)` for every attribute; false where one does not fit.
template <class Each>
bool for_each_attribute(Bytes rest, Each each) {
  while (!rest.empty()) {
    const auto head = front_as<nlattr>(rest);
    if (!head || head->nla_len < sizeof(nlattr) || head->nla_len > rest.size()) return false;
    const auto type = static_cast<std::uint16_t>(head->nla_type & NLA_TYPE_MASK);
    each(type, take_content(rest, sizeof(nlattr), head->nla_len));
  }
  return true;
}

bool is_link_local(const Address& address) {
  return address.family == Family::kIPv6 && address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80;
}

Address address_of(const inet_diag_msg& message, const std::uint32_t (&ip)[4], std::uint16_t port) {
  Address address;
  if (message.idiag_family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = port;
    std::memcpy(&in.sin_addr, ip, sizeof in.sin_addr);
    address = Address::from(reinterpret_cast<const sockaddr*>(&in));
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = port;
    std::memcpy(&in.sin6_addr, ip, sizeof in.sin6_addr);
    address = Address::from(reinterpret_cast<const sockaddr*>(&in));
  }
  if (is_link_local(address)) address.scope_id = message.id.idiag_if;
  return address;
}

bool read_inet(Bytes body, std::vector<DiagSocket>& found) {
  const auto message = front_as<inet_diag_msg>(body);
  if (!message) return false;
  if (message->idiag_family != AF_INET && message->idiag_family != AF_INET6) return true;
  DiagSocket socket;
  socket.family = message->idiag_family == AF_INET ? Family::kIPv4 : Family::kIPv6;
  socket.state = message->idiag_state;
  socket.local = address_of(*message, message->id.idiag_src, message->id.idiag_sport);
  socket.peer = address_of(*message, message->id.idiag_dst, message->id.idiag_dport);
  if (socket.peer.port == 0 && socket.peer.is_any()) socket.peer = {};
  socket.interface = message->id.idiag_if;
  socket.uid = message->idiag_uid;
  socket.inode = message->idiag_inode;
  socket.receive_queue = message->idiag_rqueue;
  socket.send_queue = message->idiag_wqueue;
  body.remove_prefix(std::min(aligned(sizeof *message), body.size()));
  const bool whole = for_each_attribute(body, [&](std::uint16_t type, Bytes content) {
    if (type == INET_DIAG_SKV6ONLY && !content.empty()) socket.ipv6_only = content.front() != 0;
  });
  if (whole) found.push_back(std::move(socket));
  return whole;
}

bool read_unix(Bytes body, std::vector<DiagSocket>& found) {
  const auto message = front_as<unix_diag_msg>(body);
  if (!message) return false;
  DiagSocket socket;
  socket.family = Family::kUnix;
  socket.state = message->udiag_state;
  socket.local.family = Family::kUnix;
  socket.inode = message->udiag_ino;
  body.remove_prefix(std::min(aligned(sizeof *message), body.size()));
  const bool whole = for_each_attribute(body, [&](std::uint16_t type, Bytes content) {
    if (type == UNIX_DIAG_NAME) {
      socket.path = content;
    } else if (type == UNIX_DIAG_VFS) {
      // The device as the kernel keeps it: 12 bits of major number over 20 of minor.
      const auto file = front_as<unix_diag_vfs>(content).value_or(unix_diag_vfs{});
      socket.file_inode = file.udiag_vfs_ino;
      socket.file_device = makedev(file.udiag_vfs_dev >> 20u, file.udiag_vfs_dev & 0xfffffu);
    } else if (type == kUnixUidAttribute) {
      socket.uid = front_as<std::uint32_t>(content);
    } else if (type == UNIX_DIAG_RQLEN) {
      const auto queues = front_as<unix_diag_rqlen>(content).value_or(unix_diag_rqlen{});
      socket.receive_queue = queues.udiag_rqueue;
      socket.send_queue = queues.udiag_wqueue;
    }
  });
  if (whole) found.push_back(std::move(socket));
  return whole;
}

bool read_socket(Bytes body, std::vector<DiagSocket>& found) {
  if (body.empty()) return false;
  const auto family = static_cast<unsigned char>(body.front());
  return family == AF_UNIX ? read_unix(body, found) : read_inet(body, found);
}

constexpr DiagPart failed(int error) {
  return {DiagPart::Next::kFailed, error, false};
}

// How a message that ends an answer ends it: both kinds begin with an error number, or 0.
DiagPart read_end(Bytes body, bool interrupted) {
  const int error = front_as<int>(body).value_or(0);
  if (error < 0) return failed(error);
  return {DiagPart::Next::kDone, 0, interrupted};
}

// --- asking --------------------------------------------------------------------------------------
// What goes out; no padding between may hold what lies on our stack.
template <class Body>
struct Request {
  nlmsghdr head{};
  Body body{};
};

class Conversation {
 public:
  Conversation() : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {
    if (fd_ < 0) {
      error_ = -errno;
      return;
    }
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kLongestWait, sizeof kLongestWait);
  }
  ~Conversation() {
    if (fd_ >= 0) ::close(fd_);
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  int error() const { return error_; }

  int send(const DiagRequest& request) {
    if (request.family == Family::kUnix) {
      Request<unix_diag_req> message;
      message.body.sdiag_family = AF_UNIX;
      message.body.udiag_states = request.states;
      message.body.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN | kShowUnixUid;
      return send(message);
    }
    Request<inet_diag_req_v2> message;
    message.body.sdiag_family = request.family == Family::kIPv6 ? AF_INET6 : AF_INET;
    message.body.sdiag_protocol = static_cast<std::uint8_t>(request.protocol);
    message.body.idiag_states = request.states;
    message.body.id.idiag_sport = htons(request.local_port);
    message.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    message.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return send(message);
  }

  // The next datagram from the kernel itself; its bytes stay until the next call.
  int receive(Bytes& datagram) {
    for (;;) {
      sockaddr_nl sender{};
      iovec piece{buffer_.data(), buffer_.size()};
      msghdr message{};
      message.msg_name = &sender;
      message.msg_namelen = sizeof sender;
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      const ssize_t size = ::recvmsg(fd_, &message, 0);
      if (size < 0 && errno == EINTR) continue;
      // What the kernel's timer ends is no change of its tables.
      if (size < 0) return errno == EAGAIN ? -ETIMEDOUT : -errno;
      if (size == 0) return -EBADMSG;
      if (sender.nl_pid != 0) continue;  // another process may write to us, and is not asked
      if ((message.msg_flags & MSG_TRUNC) != 0) return -EMSGSIZE;
      datagram = Bytes(buffer_.data(), static_cast<std::size_t>(size));
      return 0;
    }
  }

  std::uint32_t sequence() const { return sequence_; }

 private:
  template <class Body>
  int send(Request<Body>& message) {
    static_assert(sizeof message == sizeof message.head + sizeof message.body);
    message.head.nlmsg_len = sizeof message;
    message.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.head.nlmsg_seq = ++sequence_;
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    ssize_t sent = 0;
    do {
      sent = ::sendto(fd_, &message, sizeof message, 0, reinterpret_cast<const sockaddr*>(&kernel),
                      sizeof kernel);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
  }

  const int fd_;
  int error_ = 0;
  std::uint32_t sequence_ = 0;
  std::vector<char> buffer_ = std::vector<char>(kPartBytes);
};

DiagPart ask_once(Conversation& kernel, const DiagRequest& request,
                  std::vector<DiagSocket>& found) {
  if (const int error = kernel.send(request); error != 0) return failed(error);
  bool interrupted = false;
  for (;;) {
    Bytes datagram;
    if (const int error = kernel.receive(datagram); error != 0) return failed(error);
    DiagPart part = read_diag_part(datagram, kernel.sequence(), found);
    interrupted = interrupted || part.interrupted;
    part.interrupted = interrupted;
    if (part.next != DiagPart::Next::kMore) return part;
  }
}

}  // namespace

DiagPart read_diag_part(Bytes datagram, std::uint32_t sequence, std::vector<DiagSocket>& found) {
  DiagPart part;
  while (!datagram.empty()) {
    const auto head = front_as<nlmsghdr>(datagram);
    if (!head || head->nlmsg_len < sizeof *head || head->nlmsg_len > datagram.size()) {
      return failed(-EBADMSG);
    }
    const Bytes body = take_content(datagram, sizeof *head, head->nlmsg_len);
    if (head->nlmsg_seq != sequence) continue;  // of an answer that was given up
    part.interrupted = part.interrupted || (head->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (head->nlmsg_type) {
      case NLMSG_DONE:
        return read_end(body, part.interrupted);
      case NLMSG_ERROR:
        return body.size() < sizeof(int) ? failed(-EBADMSG) : read_end(body, part.interrupted);
      case SOCK_DIAG_BY_FAMILY:
        if (!read_socket(body, found)) return failed(-EBADMSG);
        break;
      default:
        break;  // NLMSG_NOOP, or what a later kernel may say
    }
  }
  return part;
}

int dump_sockets(const DiagRequest& request, std::vector<DiagSocket>& found) {
  Conversation kernel;
  if (kernel.error() != 0) return kernel.error();
  const std::size_t before = found.size();
  const auto forget = [&] { found.erase(found.begin() + static_cast<long>(before), found.end()); };
  for (int attempt = 1;; ++attempt) {
    const DiagPart end = ask_once(kernel, request, found);
    const bool done = end.next == DiagPart::Next::kDone;
    if (done && (!end.interrupted || attempt == kMostAttempts)) return 0;
    forget();
    if (!done) return end.error;
  }
}

}  // namespace polyport::sock
