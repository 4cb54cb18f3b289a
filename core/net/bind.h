// From an address to a socket that is bound and, for streams, listening: one step with one
// diagnosis.
//
// EADDRINUSE may come from bind or from listen, so both are made here, and whoever tries again gets
// a fresh socket. A failure is facts (BindAttempt); the sentence about them is made by
// core/ports/explain.h. Accepting is core/net/listener.h.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/result.h"
#include "core/ports/explanation.h"
#include "core/ports/resolve.h"

namespace polyport {

// SO_REUSEPORT. Not for unix sockets, which have no ports to share.
enum class Sharing : std::uint8_t {
  kNever,
  // Set after the bind, which has found every conflict by then: a socket of this user may join
  // later.
  kAllow,
  kJoin,  // set before the bind: shares the port with those who allow it
};

struct BindRequest {
  BindTarget target;
  unsigned unix_mode = 0660;
  int backlog = 4096;
  int defer_accept_seconds = 0;  // tcp: the kernel keeps a connection back until its first byte
  Sharing sharing = Sharing::kNever;
};

// The descriptor, which is the caller's to close; or which step failed, with its errno. Whose
// attempt it was (service, where) is for the caller to fill in.
Expected<int, BindAttempt> open_bound_socket(const BindRequest& request);

// Gives a socket that another process has bound for us what open_bound_socket would have given it,
// as far as that can still be had; a stream gets the backlog. Zero, or -errno.
int adopt_bound_socket(int fd, const BindRequest& request);

// A unix socket's file, ours from bound to destroyed: unlinked then, if it is still the same file.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile();

  // Takes the lock beside `path` and removes a leftover socket that nobody has. One that somebody
  // listens on, or has only bound, is EADDRINUSE, another file ENOTSOCK, a directory EISDIR; else
  // the errno is the system's. An abstract path ("@…") needs none of it.
  static Expected<UnixSocketFile, int> prepare(const std::string& path);
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
