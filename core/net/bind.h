// From an address to a socket that is bound and, for streams, listening: one step with one
// diagnosis.
//
// EADDRINUSE may come from bind or from listen, so both are made here, and whoever tries again gets
// a fresh socket. Accepting is core/net/listener.h.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/result.h"
#include "core/ports/resolve.h"

namespace polyport {

struct BindRequest {
  BindTarget target;
  unsigned unix_mode = 0660;
  int backlog = 4096;
  int defer_accept_seconds = 0;  // tcp: the kernel keeps a connection back until its first byte
};

// "tcp://127.0.0.1:80", "unix:/run/x", for messages.
std::string endpoint_text(const BindTarget& target);

// The descriptor, which is the caller's to close. The error's `what` names the failed step and the
// reason, its `where` the endpoint.
Result<int> open_bound_socket(const BindRequest& request);

// A unix socket's file, ours from bound to destroyed: unlinked then, if it is still the same file.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile();

  // Takes the lock beside `path` and removes a leftover socket that nobody listens on. A live one,
  // or a file that is no socket, is an error. An abstract path ("@…") needs none of it.
  static Result<UnixSocketFile> prepare(const std::string& path);
  // After bind: remembers which file is ours.
  void bound();

 private:
  void release();
  std::string path_;
  int lock_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace polyport
