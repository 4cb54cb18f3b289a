#include "core/net/bind.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/ports/server_socket.h"
#include "core/ports/socket_file.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {

constexpr int kWanted = 1;

// Options that can be set at any time. Those that fail are ones a kernel may lack: none is vital.
void set_options(int fd, const BindRequest& request) {
  if (request.target.transport == Transport::kUdp) {
    sock::set_option(fd, sock::Option::kPacketInfo, kWanted);
    sock::set_option(fd, sock::Option::kDropCount, kWanted);
  } else if (request.target.transport == Transport::kTcp) {
    sock::set_option(fd, sock::Option::kNoDelay, kWanted);  // accepted sockets inherit it
    if (request.defer_accept_seconds > 0) {
      sock::set_option(fd, sock::Option::kDeferAccept, request.defer_accept_seconds);
    }
  }
}

// Of a socket that was bound and could not be used.
void remove_unbound_file(const BindTarget& target) {
  if (target.transport == Transport::kUnix && !target.path.starts_with('@')) {
    ::unlink(target.path.c_str());
  }
}

tl::unexpected<BindAttempt> failed(BindStep step, int error, const BindRequest& request) {
  return tl::unexpected(BindAttempt{.target = request.target,
                                    .step = step,
                                    .error = error,
                                    .reuse_address = request.target.transport == Transport::kTcp,
                                    .reuse_port = request.sharing == Sharing::kJoin,
                                    .service = {},
                                    .where = {}});
}

}  // namespace

Expected<int, BindAttempt> open_bound_socket(const BindRequest& request) {
  const int fd = open_server_socket(request.target);
  if (fd < 0) return failed(BindStep::kSocket, -fd, request);
  if (request.sharing == Sharing::kJoin) sock::set_option(fd, sock::Option::kReusePort, kWanted);
  set_options(fd, request);
  const int bound = bind_server_socket(fd, request.target, request.unix_mode);
  if (bound < 0) {
    sock::close(fd);
    return failed(BindStep::kBind, -bound, request);
  }
  if (request.sharing == Sharing::kAllow) sock::set_option(fd, sock::Option::kReusePort, kWanted);
  if (request.target.transport != Transport::kUdp) {
    const int listening = sock::listen(fd, request.backlog);
    if (listening < 0) {
      sock::close(fd);
      remove_unbound_file(request.target);
      return failed(BindStep::kListen, -listening, request);
    }
  }
  return fd;
}

int adopt_bound_socket(int fd, const BindRequest& request) {
  if (const int adopted = sock::adopt(fd); adopted < 0) return adopted;
  set_options(fd, request);
  if (request.target.transport == Transport::kUdp) return 0;
  return sock::listen(fd, request.backlog);  // it listens already: this sets its backlog
}

// --- the file of a unix socket -------------------------------------------------------------------

namespace {

// Opens and locks PATH.lock. Whoever releases it removes it, so the file that was locked must still
// be the one of that name.
Expected<int, int> take_lock(const std::string& path) {
  const std::string name = path + ".lock";
  for (int attempt = 0; attempt < 10; ++attempt) {
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return tl::unexpected(errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno == EWOULDBLOCK ? EADDRINUSE : errno;  // a live polyport has it
      ::close(fd);
      return tl::unexpected(error);
    }
    struct stat locked, named;
    if (::fstat(fd, &locked) == 0 && ::stat(name.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
      return fd;
    }
    ::close(fd);
  }
  return tl::unexpected(EADDRINUSE);  // others take it and let it go without end
}

// Removes a socket that nobody has. Zero, or an errno.
int remove_leftover(const std::string& path) {
  struct stat file;
  if (::lstat(path.c_str(), &file) != 0) return 0;
  if (S_ISDIR(file.st_mode)) return EISDIR;
  if (!S_ISSOCK(file.st_mode)) return ENOTSOCK;
  if (const int error = look_for_holder(path); error != 0) return error;
  return ::unlink(path.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Expected<UnixSocketFile, int> UnixSocketFile::prepare(const std::string& path) {
  UnixSocketFile file;
  if (path.starts_with('@')) return file;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return tl::unexpected(ENAMETOOLONG);
  const auto lock = take_lock(path);
  if (!lock) return tl::unexpected(lock.error());
  file.path_ = path;
  file.lock_ = *lock;
  if (const int error = remove_leftover(path); error != 0) return tl::unexpected(error);
  return file;
}

void UnixSocketFile::bound() {
  struct stat file;
  if (path_.empty() || ::lstat(path_.c_str(), &file) != 0) return;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

void UnixSocketFile::release() {
  struct stat file;
  if (inode_ != 0 && ::lstat(path_.c_str(), &file) == 0 && file.st_ino == inode_ &&
      file.st_dev == device_) {
    ::unlink(path_.c_str());
  }
  if (lock_ >= 0) {
    ::unlink((path_ + ".lock").c_str());
    ::close(lock_);
  }
  lock_ = -1;
  inode_ = 0;
}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::move(other.path_)),
      lock_(std::exchange(other.lock_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    lock_ = std::exchange(other.lock_, -1);
    device_ = other.device_;
    inode_ = std::exchange(other.inode_, 0);
  }
  return *this;
}

UnixSocketFile::~UnixSocketFile() {
  release();
}

}  // namespace polyport
