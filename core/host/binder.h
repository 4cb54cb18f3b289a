// Opens the sockets of one endpoint: a port has the same number on every address it stands for, or
// it is not opened at all.
#pragma once

#include <vector>

#include "core/net/bind.h"
#include "core/ports/resolve.h"

namespace polyport {

// A bound socket that closes itself unless its descriptor is taken.
class OpenSocket {
 public:
  OpenSocket(int fd, BindTarget target, UnixSocketFile file);
  OpenSocket(OpenSocket&& other) noexcept;
  OpenSocket& operator=(OpenSocket&& other) noexcept;
  ~OpenSocket();

  int take_descriptor();
  int descriptor() const { return fd_; }

  BindTarget target;  // with the port that was really bound
  UnixSocketFile file;

 private:
  int fd_;
};

// What the sockets of one door have in common.
struct BindSettings {
  unsigned unix_mode = 0660;
  int backlog = 4096;
  int defer_accept_seconds = 0;
  Sharing sharing = Sharing::kNever;
};

BindRequest request_for(const BindTarget& target, const BindSettings& settings);

// All sockets of the group, in its order; or every attempt that failed, and nothing is left open.
// Where the port is 0 the kernel chooses it for the first address, and again until the others can
// have the same.
Expected<std::vector<OpenSocket>, std::vector<BindAttempt>> open_group(
    const BindGroup& group, const BindSettings& settings);

}  // namespace polyport
