// The client's socket over core/socket/socket.h and core/socket/waiting.h.
#include "core/socket/client_socket.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/socket/socket.h"
#include "core/socket/waiting.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A full accept queue of a unix socket sends no event when it has room; connect is tried again.
constexpr milliseconds kUnixRetry{10};

ClientSocket::Transfer transfer(std::ptrdiff_t result) {
  if (result < 0) return {0, static_cast<int>(-result)};
  return {static_cast<std::size_t>(result), 0};
}

}  // namespace

bool ClientSocket::Transfer::must_wait() const {
  return error == EAGAIN || error == EWOULDBLOCK;
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), layer_(std::move(other.layer_)) {}

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(layer_, other.layer_);
  return *this;
}

int ClientSocket::open(Kind kind, Family family) {
  close();
  fd_ = kind == Kind::kStream ? sock::open_stream(family) : sock::open_datagram(family);
  return fd_ < 0 ? -fd_ : 0;
}

int ClientSocket::bind(const Address& local) {
  int type = 0;
  socklen_t size = sizeof type;
  ::getsockopt(fd_, SOL_SOCKET, SO_TYPE, &type, &size);
  // On UDP the same option would let two programs take one port unnoticed.
  if (type == SOCK_STREAM) {
    const int failed = sock::set_option(fd_, sock::Option::kReuseAddress, 1);
    if (failed < 0) return -failed;
  }
  return -sock::bind(fd_, local);
}

int ClientSocket::connect(const Address& peer, Deadline deadline) {
  const int result = sock::connect(fd_, peer);
  if (result == 0) return 0;
  if (result != -EINPROGRESS && result != -EINTR) return -result;
  return -sock::finish_connect(fd_, deadline);
}

int ClientSocket::connect_unix(std::string_view path, Deadline deadline) {
  while (true) {
    const int result = sock::connect_unix(fd_, path);
    if (result != -EAGAIN && result != -EINTR) return -result;
    if (steady_clock::now() >= deadline) return ETIMEDOUT;
    const auto retry = std::min<Deadline>(deadline, steady_clock::now() + kUnixRetry);
    ::poll(nullptr, 0, sock::milliseconds_to(retry));
  }
}

ClientSocket::Transfer ClientSocket::receive(std::span<char> buffer) {
  if (layer_) return layer_->receive(buffer);
  return transfer(sock::receive(fd_, buffer.data(), buffer.size()));
}

ClientSocket::Transfer ClientSocket::send(Bytes bytes) {
  if (layer_) return layer_->send(bytes);
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return transfer(sock::send(fd_, &piece, 1));
}

int ClientSocket::finish_sending() {
  if (layer_) layer_->finish_sending();
  return -sock::shutdown_write(fd_);
}

void ClientSocket::close() {
  layer_.reset();
  if (fd_ >= 0) sock::close(std::exchange(fd_, -1));
}

bool ClientSocket::peer_has_finished() const {
  pollfd now{fd_, POLLRDHUP, 0};
  return ::poll(&now, 1, 0) > 0 && (now.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

std::size_t ClientSocket::unread_bytes() const {
  int bytes = 0;
  return ::ioctl(fd_, FIONREAD, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

Address ClientSocket::local() const {
  Address address;
  sock::local_address(fd_, address);
  return address;
}

Address ClientSocket::peer() const {
  Address address;
  sock::peer_address(fd_, address);
  return address;
}

}  // namespace polyport
