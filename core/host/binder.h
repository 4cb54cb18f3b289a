// Opens the sockets of one endpoint: a port has the same number on every address it stands for, or
// it is not opened at all.
#pragma once

#include <vector>

#include "core/net/bind.h"
#include "core/ports/resolve.h"

namespace polyport {

// A bound socket that closes itself unless its descriptor is taken; its siblings as well.
class OpenSocket {
 public:
  OpenSocket(int fd, BindTarget target, UnixSocketFile file);
  OpenSocket(OpenSocket&& other) noexcept;
  OpenSocket& operator=(OpenSocket&& other) noexcept;
  ~OpenSocket();

  int take_descriptor();
  int descriptor() const { return fd_; }

  // Further sockets of the same port (SO_REUSEPORT), for the worker processes that this program
  // starts. Fewer than were wanted, namely none, where a port cannot have any.
  void add_sibling(int fd) { siblings_.push_back(fd); }
  const std::vector<int>& siblings() const { return siblings_; }

  BindTarget target;  // with the port that was really bound
  UnixSocketFile file;

 private:
  int fd_;
  std::vector<int> siblings_;
};

// What the sockets of one door have in common.
struct BindSettings {
  unsigned unix_mode = 0660;
  int backlog = 4096;
  int defer_accept_seconds = 0;
  Sharing sharing = Sharing::kNever;
  int siblings = 0;  // of each port, but for unix sockets
};

// Binds the siblings of a socket that is bound already, exclusively or not: whoever was in its way
// has been found by then. The attempt that failed, and none of them is there.
Expected<void, BindAttempt> add_siblings(OpenSocket& socket, const BindSettings& settings);

BindRequest request_for(const BindTarget& target, const BindSettings& settings);

// All sockets of the group, in its order; or every attempt that failed, and nothing is left open.
// Where the port is 0 the kernel chooses it for the first address, and again until the others can
// have the same.
Expected<std::vector<OpenSocket>, std::vector<BindAttempt>> open_group(
    const BindGroup& group, const BindSettings& settings);

}  // namespace polyport
