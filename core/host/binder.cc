#include "core/host/binder.h"

#include <optional>
#include <utility>

#include "core/socket/socket.h"

namespace polyport {

namespace {
constexpr int kAttempts = 32;
}

OpenSocket::OpenSocket(int fd, BindTarget bound, UnixSocketFile owned)
    : target(std::move(bound)), file(std::move(owned)), fd_(fd) {}

OpenSocket::OpenSocket(OpenSocket&& other) noexcept
    : target(std::move(other.target)),
      file(std::move(other.file)),
      fd_(std::exchange(other.fd_, -1)) {}

OpenSocket& OpenSocket::operator=(OpenSocket&& other) noexcept {
  std::swap(target, other.target);
  std::swap(file, other.file);
  std::swap(fd_, other.fd_);
  return *this;
}

OpenSocket::~OpenSocket() {
  if (fd_ >= 0) sock::close(fd_);
}

int OpenSocket::take_descriptor() {
  return std::exchange(fd_, -1);
}

namespace {

Result<OpenSocket> open_one(BindTarget target, const BindSettings& settings) {
  UnixSocketFile file;
  if (target.transport == Transport::kUnix) {
    auto prepared = UnixSocketFile::prepare(target.path);
    if (!prepared) return tl::unexpected(prepared.error());
    file = std::move(*prepared);
  }
  auto fd = open_bound_socket({.target = target,
                               .unix_mode = settings.unix_mode,
                               .backlog = settings.backlog,
                               .defer_accept_seconds = settings.defer_accept_seconds});
  if (!fd) return tl::unexpected(fd.error());
  file.bound();
  Address bound;
  if (target.transport != Transport::kUnix && sock::local_address(*fd, bound) == 0) {
    target.address.port = bound.port;
  }
  return OpenSocket(*fd, std::move(target), std::move(file));
}

}  // namespace

Result<std::vector<OpenSocket>> open_group(const BindGroup& group, const BindSettings& settings) {
  const bool any_port = group.targets.front().transport != Transport::kUnix &&
                        group.targets.front().address.port == 0;
  for (int attempt = 1;; ++attempt) {
    std::vector<OpenSocket> sockets;
    std::optional<Error> error;
    for (BindTarget target : group.targets) {
      if (any_port && !sockets.empty()) target.address.port = sockets.front().target.address.port;
      auto socket = open_one(std::move(target), settings);
      if (!socket) {
        error = std::move(socket.error());
        break;
      }
      sockets.push_back(std::move(*socket));
    }
    if (!error) return sockets;
    const bool try_another =
        any_port && !sockets.empty() && error->code == ErrorCode::kAddressInUse;
    if (!try_another || attempt == kAttempts) return tl::unexpected(std::move(*error));
  }
}

}  // namespace polyport
