#include "core/net/udp_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <exception>

#include "core/base/assert.h"
#include "core/net/network.h"
#include "core/socket/networks.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {
constexpr std::size_t kControlBytes = 128;
constexpr std::size_t kMostReplyBytes = 65'527;  // over IPv6; over IPv4 the kernel says EMSGSIZE
constexpr int kBatchesPerWake = 4;
}  // namespace

struct UdpBuffers::Batch {
  // Left uninitialised: a page is touched when a datagram reaches it.
  std::unique_ptr<char[]> input = std::make_unique_for_overwrite<char[]>(kBatch * kDatagramBytes);
  std::unique_ptr<char[]> output = std::make_unique_for_overwrite<char[]>(kBatch * kDatagramBytes);
  std::array<mmsghdr, kBatch> received;
  std::array<iovec, kBatch> received_pieces;
  std::array<sockaddr_storage, kBatch> peers;
  alignas(cmsghdr) std::array<std::array<char, kControlBytes>, kBatch> control;

  std::array<mmsghdr, kBatch> replies;
  std::array<iovec, kBatch> reply_pieces;
  alignas(cmsghdr) std::array<std::array<char, kControlBytes>, kBatch> reply_control;
  std::size_t reply_count = 0;
  std::size_t serving = 0;  // the index whose callback is running

  Bytes bytes(std::size_t i) const {
    return {input.get() + i * kDatagramBytes, received[i].msg_len};
  }
};

UdpBuffers::UdpBuffers() = default;
UdpBuffers::~UdpBuffers() = default;

UdpBuffers::Batch& UdpBuffers::batch() {
  if (!batch_) batch_ = std::make_unique<Batch>();
  return *batch_;
}

namespace {

// The address a datagram was sent to, and the count of those the kernel dropped, from its control
// data.
bool read_control(msghdr& header, Address& local, std::uint64_t& dropped) {
  bool unicast = true;
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      local.family = Family::kIPv4;
      local.ip = {};
      std::memcpy(local.ip.data(), &info.ipi_addr, sizeof info.ipi_addr);
      // The kernel names another address to answer from only where this one is nobody's own.
      unicast = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      sockaddr_in6 raw{};
      raw.sin6_family = AF_INET6;
      raw.sin6_addr = info.ipi6_addr;
      const std::uint16_t port = local.port;
      local = Address::from(reinterpret_cast<const sockaddr*>(&raw));
      local.port = port;
    } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
      std::uint32_t count;
      std::memcpy(&count, CMSG_DATA(c), sizeof count);
      dropped = count;
    }
  }
  return unicast;
}

// Control data that makes the answer leave from where the question went: the received packet info
// with its interface left to the routing table, except where the address needs it.
std::size_t write_control(msghdr& question, std::array<char, kControlBytes>& out) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&question); c != nullptr; c = CMSG_NXTHDR(&question, c)) {
    auto* header = reinterpret_cast<cmsghdr*>(out.data());
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      info.ipi_ifindex = 0;
      info.ipi_spec_dst = info.ipi_addr;
      header->cmsg_level = IPPROTO_IP;
      header->cmsg_type = IP_PKTINFO;
      header->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
      return CMSG_SPACE(sizeof info);
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      header->cmsg_level = IPPROTO_IPV6;
      header->cmsg_type = IPV6_PKTINFO;
      header->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(header), &info, sizeof info);
      return CMSG_SPACE(sizeof info);
    }
  }
  return 0;
}

// The same for an answer that comes later, of which only the address is known.
std::size_t write_source(const Address& local, std::uint32_t scope,
                         std::array<char, kControlBytes>& out) {
  auto* header = reinterpret_cast<cmsghdr*>(out.data());
  if (local.family == Family::kIPv4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, local.ip.data(), sizeof info.ipi_spec_dst);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, local.ip.data(), sizeof info.ipi6_addr);
  info.ipi6_ifindex = scope;
  header->cmsg_level = IPPROTO_IPV6;
  header->cmsg_type = IPV6_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

}  // namespace

UdpSocket::UdpSocket(Network& network, UdpDoor& door, int fd, std::string id)
    : network_(network), door_(door), id_(std::move(id)), fd_(fd) {
  sock::local_address(fd, address_);
  door_.guard.add_own(address_);
}

void UdpSocket::start() {
  static constexpr PollOperations kOps = {[](PollHandle& handle, std::uint8_t events) noexcept {
                                            UdpSocket& socket = of(handle);
                                            socket.ready();
                                            // An error on a UDP socket (an ICMP unreachable, say)
                                            // stops the watch, not the service.
                                            if ((events & kPollError) != 0 && socket.fd_ >= 0) {
                                              socket.network_.poller_.set(socket, kReadable);
                                            }
                                          },
                                          [](PollHandle& handle) noexcept {
                                            of(handle).polled_ = false;
                                            of(handle).network_.poll_handle_closed();
                                          }};
  if (!network_.poller_.open(*this, fd_, kOps)) {
    network_.log_.error({.event = "listener_failed",
                         .message = "the loop cannot watch the socket",
                         .service = door_.service,
                         .listener = id_});
    return;
  }
  polled_ = true;
  network_.poll_handle_opened();
  network_.poller_.set(*this, kReadable);
}

void UdpSocket::close() {
  if (fd_ < 0) return;
  door_.guard.remove_own(address_);
  if (polled_) {
    network_.poller_.close(*this, fd_);
  } else {
    sock::close(fd_);
  }
  fd_ = -1;
}

bool UdpSocket::reopen(int fd) {
  if (is_open() || polled_) return false;
  fd_ = fd;
  sock::local_address(fd, address_);
  door_.guard.add_own(address_);
  return true;
}

void UdpSocket::ready() {
  network_.update_now();
  for (int batch = 0; batch < kBatchesPerWake && fd_ >= 0; ++batch) {
    if (!receive_batch()) return;
  }
}

bool UdpSocket::receive_batch() {
  auto& batch = network_.udp_buffers_.batch();
  for (std::size_t i = 0; i < UdpBuffers::kBatch; ++i) {
    batch.received_pieces[i] = {batch.input.get() + i * UdpBuffers::kDatagramBytes,
                                UdpBuffers::kDatagramBytes};
    msghdr& header = batch.received[i].msg_hdr;
    header = {};
    header.msg_name = &batch.peers[i];
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_iov = &batch.received_pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = batch.control[i].data();
    header.msg_controllen = kControlBytes;
  }
  const int count = sock::receive_many(fd_, batch.received.data(), UdpBuffers::kBatch);
  if (count <= 0) {
    // An error that an earlier answer caused (ECONNREFUSED) has been taken by this very call; what
    // is queued behind it is read at the next wake-up.
    return count < 0 && count != -EAGAIN;
  }
  batch.reply_count = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    serve(batch, i);
  send_replies(batch);
  return static_cast<std::size_t>(count) == UdpBuffers::kBatch;
}

void UdpSocket::serve(UdpBuffers::Batch& batch, std::size_t index) {
  msghdr& header = batch.received[index].msg_hdr;
  const Bytes bytes = batch.bytes(index);
  ++counters_.received;
  counters_.bytes_in += bytes.size();
  const Address peer = Address::from(reinterpret_cast<const sockaddr*>(&batch.peers[index]));
  Address local = address_;
  const bool unicast = read_control(header, local, counters_.kernel_dropped);

  const bool denied = door_.access != nullptr && !door_.access->admits(peer);
  const auto verdict = denied    ? UdpGuard::Verdict::kDenied
                       : unicast ? door_.guard.check_peer(peer, local, door_.loop_free)
                                 : UdpGuard::Verdict::kNoUnicast;
  if (verdict != UdpGuard::Verdict::kAllow) {
    ++counters_.refused[static_cast<std::size_t>(verdict)];
    return;
  }
  batch.serving = index;
  answered_ = false;
  Datagram datagram(*this, bytes, peer, local);
  try {
    door_.handler.on_datagram(datagram);
  } catch (const std::exception& error) {
    network_.log_.error({.event = "service_error",
                         .message = error.what(),
                         .service = door_.service,
                         .listener = id_});
  } catch (...) {
    network_.log_.error({.event = "service_error",
                         .message = "an exception of no known type",
                         .service = door_.service,
                         .listener = id_});
  }
}

void Datagram::reply(Bytes bytes) {
  socket_.reply(*this, bytes);
}

void UdpSocket::reply(Datagram& datagram, Bytes bytes) {
  POLYPORT_ASSERT(!answered_);
  answered_ = true;
  if (bytes.size() > kMostReplyBytes) {
    ++counters_.send_failed;
    return;
  }
  const auto verdict =
      door_.guard.check_reply(datagram.peer(), datagram.bytes().size(), bytes.size(),
                              door_.amplification, network_.loop_.now_ms());
  if (verdict != UdpGuard::Verdict::kAllow) {
    ++counters_.refused[static_cast<std::size_t>(verdict)];
    return;
  }
  auto& batch = network_.udp_buffers_.batch();
  const std::size_t number = batch.reply_count++;
  // Bytes of the batch itself stay where they are until it has been sent; anything else is copied.
  const char* first = batch.input.get();
  const char* last = first + UdpBuffers::kBatch * UdpBuffers::kDatagramBytes;
  const char* data = bytes.data();
  if (std::less<>()(data, first) || !std::less<>()(data, last)) {
    char* place = batch.output.get() + number * UdpBuffers::kDatagramBytes;
    if (!bytes.empty()) std::memcpy(place, data, bytes.size());
    data = place;
  }
  batch.reply_pieces[number] = {const_cast<char*>(data), bytes.size()};
  msghdr& question = batch.received[batch.serving].msg_hdr;
  msghdr& answer = batch.replies[number].msg_hdr;
  answer = {};
  answer.msg_name = question.msg_name;
  answer.msg_namelen = question.msg_namelen;
  answer.msg_iov = &batch.reply_pieces[number];
  answer.msg_iovlen = 1;
  answer.msg_controllen = write_control(question, batch.reply_control[number]);
  answer.msg_control = answer.msg_controllen > 0 ? batch.reply_control[number].data() : nullptr;
}

bool ReturnPath::answer(Bytes bytes, std::size_t credit) const {
  return socket_->answer(*this, bytes, credit);
}

bool UdpSocket::answer(const ReturnPath& to, Bytes bytes, std::size_t credit) {
  if (fd_ < 0) return false;
  const auto verdict = door_.guard.check_reply(to.peer(), credit, bytes.size(), door_.amplification,
                                               network_.loop_.now_ms());
  if (verdict != UdpGuard::Verdict::kAllow) {
    ++counters_.refused[static_cast<std::size_t>(verdict)];
    return false;
  }
  sockaddr_storage name;
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, kControlBytes> control;
  mmsghdr message{};
  message.msg_hdr.msg_name = &name;
  message.msg_hdr.msg_namelen = to.peer().to(name);
  message.msg_hdr.msg_iov = &piece;
  message.msg_hdr.msg_iovlen = 1;
  // A socket of one address answers from it anyway.
  if (address_.is_any()) {
    message.msg_hdr.msg_control = control.data();
    message.msg_hdr.msg_controllen = write_source(to.local(), to.peer().scope_id, control);
  }
  if (sock::send_many(fd_, &message, 1) != 1) {
    ++counters_.send_failed;
    return false;
  }
  ++counters_.sent;
  counters_.bytes_out += bytes.size();
  return true;
}

void UdpSocket::send_replies(UdpBuffers::Batch& batch) {
  std::size_t begin = 0;
  while (begin < batch.reply_count) {
    const int sent = sock::send_many(fd_, batch.replies.data() + begin,
                                     static_cast<unsigned>(batch.reply_count - begin));
    if (sent <= 0) {
      // That one cannot go (its buffer is full, its peer is gone): UDP promises nothing. Count it
      // and try the ones behind it.
      ++counters_.send_failed;
      ++begin;
      continue;
    }
    for (std::size_t i = begin; i < begin + static_cast<std::size_t>(sent); ++i) {
      ++counters_.sent;
      counters_.bytes_out += batch.reply_pieces[i].iov_len;
    }
    begin += static_cast<std::size_t>(sent);
  }
  batch.reply_count = 0;
}

}  // namespace polyport
