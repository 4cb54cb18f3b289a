#include "core/host/binder.h"

#include <algorithm>
#include <cerrno>
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
      fd_(std::exchange(other.fd_, -1)),
      siblings_(std::move(other.siblings_)) {}

OpenSocket& OpenSocket::operator=(OpenSocket&& other) noexcept {
  std::swap(target, other.target);
  std::swap(file, other.file);
  std::swap(fd_, other.fd_);
  std::swap(siblings_, other.siblings_);
  return *this;
}

OpenSocket::~OpenSocket() {
  if (fd_ >= 0) sock::close(fd_);
  for (const int sibling : siblings_)
    sock::close(sibling);
}

int OpenSocket::take_descriptor() {
  return std::exchange(fd_, -1);
}

// The kernel asks both sockets for SO_REUSEPORT at the moment of a bind. So the first one is bound
// without it, which finds whoever is in the way; it gets the option next, before it listens, and at
// no time is the port free. A stranger of the same user who sets the option too may join after
// that, as with every server that has workers.
BindRequest request_for(const BindTarget& target, const BindSettings& settings) {
  const bool is_unix = target.transport == Transport::kUnix;
  const Sharing sharing = settings.siblings > 0 && settings.sharing == Sharing::kNever
                              ? Sharing::kAllow
                              : settings.sharing;
  return {.target = target,
          .unix_mode = settings.unix_mode,
          .backlog = settings.backlog,
          .defer_accept_seconds = settings.defer_accept_seconds,
          .sharing = is_unix ? Sharing::kNever : sharing};
}

Expected<void, BindAttempt> add_siblings(OpenSocket& socket, const BindSettings& settings) {
  if (socket.target.transport == Transport::kUnix) return {};
  BindRequest request = request_for(socket.target, settings);
  request.sharing = Sharing::kJoin;
  std::vector<OpenSocket> opened;
  for (int i = 0; i < settings.siblings; ++i) {
    auto fd = open_bound_socket(request);
    if (!fd) return tl::unexpected(std::move(fd.error()));
    opened.emplace_back(*fd, socket.target, UnixSocketFile());
  }
  for (OpenSocket& each : opened)
    socket.add_sibling(each.take_descriptor());
  return {};
}

namespace {

Expected<OpenSocket, BindAttempt> open_one(BindTarget target, const BindSettings& settings) {
  UnixSocketFile file;
  if (target.transport == Transport::kUnix) {
    auto prepared = UnixSocketFile::prepare(target.path);
    if (!prepared) {
      BindAttempt attempt;
      attempt.target = std::move(target);
      attempt.step = BindStep::kPath;
      attempt.error = prepared.error();
      return tl::unexpected(std::move(attempt));
    }
    file = std::move(*prepared);
  }
  auto fd = open_bound_socket(request_for(target, settings));
  if (!fd) return tl::unexpected(std::move(fd.error()));
  file.bound();
  Address bound;
  if (target.transport != Transport::kUnix && sock::local_address(*fd, bound) == 0) {
    target.address.port = bound.port;
  }
  OpenSocket socket(*fd, std::move(target), std::move(file));
  auto siblings = add_siblings(socket, settings);
  if (!siblings) return tl::unexpected(std::move(siblings.error()));
  return socket;
}

bool in_use(const std::vector<BindAttempt>& failed) {
  return std::all_of(failed.begin(), failed.end(),
                     [](const BindAttempt& attempt) { return attempt.error == EADDRINUSE; });
}

}  // namespace

Expected<std::vector<OpenSocket>, std::vector<BindAttempt>> open_group(
    const BindGroup& group, const BindSettings& settings) {
  const bool any_port = group.targets.front().transport != Transport::kUnix &&
                        group.targets.front().address.port == 0;
  for (int attempt = 1;; ++attempt) {
    std::vector<OpenSocket> sockets;
    std::vector<BindAttempt> failed;
    for (BindTarget target : group.targets) {
      if (any_port && !sockets.empty()) target.address.port = sockets.front().target.address.port;
      auto socket = open_one(std::move(target), settings);
      if (socket) {
        sockets.push_back(std::move(*socket));
      } else {
        failed.push_back(std::move(socket.error()));
      }
      // Of a written number every address is tried, so that all that is in the way is known.
      if (any_port && !failed.empty()) break;
    }
    if (failed.empty()) return sockets;
    const bool try_another = any_port && !sockets.empty() && in_use(failed);
    if (!try_another || attempt == kAttempts) return tl::unexpected(std::move(failed));
  }
}

}  // namespace polyport
