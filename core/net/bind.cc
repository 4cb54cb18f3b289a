#include "core/net/bind.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/ports/ranges.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {

constexpr int kWanted = 1;

ErrorCode code_of(int error) {
  switch (error) {
    case EADDRINUSE:
      return ErrorCode::kAddressInUse;
    case EACCES:
    case EPERM:
      return ErrorCode::kNotPermitted;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return ErrorCode::kNotAvailable;
    case EMFILE:
    case ENFILE:
      return ErrorCode::kDescriptors;
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    default:
      return ErrorCode::kSystem;
  }
}

std::string hint_for(int error, const BindRequest& request) {
  const std::string port = std::to_string(request.target.address.port);
  switch (error) {
    case EADDRINUSE: {
      const char* flags = request.target.transport == Transport::kUdp ? "-lunp" : "-ltnp";
      return "see who has it: ss " + std::string(flags) + " 'sport = :" + port +
             "'; or take other ports: --offset 100";
    }
    case EACCES:
    case EPERM:
      if (request.target.transport == Transport::kUnix)
        return "check who may write to that directory";
      return "use a port from " + std::to_string(unprivileged_port_start()) +
             " up, or allow it: setcap cap_net_bind_service=+ep on the program";
    case EADDRNOTAVAIL:
      return "this machine does not have that address: ip address shows those it has";
    case EAFNOSUPPORT:
      return "this machine has no IPv6: listen on an IPv4 address";
    case EMFILE:
    case ENFILE:
      return "raise the descriptor limit: ulimit -n";
    case ENOENT:
    case ENOTDIR:
      return "the directory does not exist";
    case ENAMETOOLONG:
      return "a unix socket's path has at most 107 bytes";
    default:
      return {};
  }
}

tl::unexpected<Error> failed(std::string_view step, int error, const BindRequest& request) {
  std::string what = std::string(step) + " failed: " + std::strerror(error);
  return failure(code_of(error), std::move(what), endpoint_text(request.target),
                 hint_for(error, request));
}

int open_socket(const BindRequest& request) {
  if (request.target.transport == Transport::kUnix) return sock::open_stream(Family::kUnix);
  return request.target.transport == Transport::kUdp
             ? sock::open_datagram(request.target.address.family)
             : sock::open_stream(request.target.address.family);
}

// Options that must be set before bind. Those that fail are ones a kernel may lack: none is vital.
void set_options(int fd, const BindRequest& request) {
  if (request.target.transport == Transport::kUnix) return;
  if (request.target.address.family == Family::kIPv6) {
    // Said always: otherwise the machine's bindv6only decides.
    sock::set_option(fd, sock::Option::kIpv6Only, request.target.ipv6_mode == IPv6Mode::kOnly);
  }
  if (request.target.transport == Transport::kUdp) {
    // No SO_REUSEADDR: on Linux it would let two programs take one UDP port without a word.
    sock::set_option(fd, sock::Option::kPacketInfo, kWanted);
    sock::set_option(fd, sock::Option::kDropCount, kWanted);
    return;
  }
  sock::set_option(fd, sock::Option::kReuseAddress,
                   kWanted);                              // over TIME_WAIT, not over a listener
  sock::set_option(fd, sock::Option::kNoDelay, kWanted);  // accepted sockets inherit it
  if (request.defer_accept_seconds > 0) {
    sock::set_option(fd, sock::Option::kDeferAccept, request.defer_accept_seconds);
  }
}

// Of a socket that was bound and could not be used.
void remove_unbound_file(const BindTarget& target) {
  if (target.transport == Transport::kUnix && !target.path.starts_with('@')) {
    ::unlink(target.path.c_str());
  }
}

}  // namespace

std::string endpoint_text(const BindTarget& target) {
  if (target.transport == Transport::kUnix) return "unix:" + target.path;
  return std::string(name(target.transport)) + "://" + target.text();
}

Result<int> open_bound_socket(const BindRequest& request) {
  const int fd = open_socket(request);
  if (fd < 0) return failed("socket", -fd, request);
  set_options(fd, request);
  const int bound = request.target.transport == Transport::kUnix
                        ? sock::bind_unix(fd, request.target.path, request.unix_mode)
                        : sock::bind(fd, request.target.address);
  if (bound < 0) {
    sock::close(fd);
    return failed("bind", -bound, request);
  }
  if (request.target.transport != Transport::kUdp) {
    const int listening = sock::listen(fd, request.backlog);
    if (listening < 0) {
      sock::close(fd);
      remove_unbound_file(request.target);
      return failed("listen", -listening, request);
    }
  }
  return fd;
}

// --- the file of a unix socket -------------------------------------------------------------------

namespace {

// Opens and locks PATH.lock. Whoever releases it removes it, so the file that was locked must still
// be the one of that name.
Result<int> take_lock(const std::string& path) {
  const std::string name = path + ".lock";
  for (int attempt = 0; attempt < 10; ++attempt) {
    const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
      const int error = errno;
      return failure(code_of(error), "cannot create " + name + ": " + std::strerror(error),
                     "unix:" + path, "check the directory and who may write to it");
    }
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      return failure(ErrorCode::kAddressInUse, "another process is using " + path, "unix:" + path,
                     "stop it, or listen on another path");
    }
    struct stat locked, named;
    if (::fstat(fd, &locked) == 0 && ::stat(name.c_str(), &named) == 0 &&
        locked.st_ino == named.st_ino && locked.st_dev == named.st_dev) {
      return fd;
    }
    ::close(fd);
  }
  return failure(ErrorCode::kSystem, "cannot lock " + name, "unix:" + path);
}

// Removes a socket that nobody listens on.
Result<void> remove_leftover(const std::string& path) {
  struct stat file;
  if (::lstat(path.c_str(), &file) != 0) return {};
  if (!S_ISSOCK(file.st_mode)) {
    return failure(ErrorCode::kConflict, path + " exists and is not a socket", "unix:" + path,
                   "remove it, or listen on another path");
  }
  const int probe = sock::open_stream(Family::kUnix);
  if (probe < 0) return failure(code_of(-probe), std::strerror(-probe), "unix:" + path);
  const int answer = sock::connect_unix(probe, path);
  sock::close(probe);
  if (answer != -ECONNREFUSED) {
    return failure(ErrorCode::kAddressInUse, "somebody is listening on " + path, "unix:" + path,
                   "stop it, or listen on another path");
  }
  if (::unlink(path.c_str()) != 0) {
    return failure(code_of(errno),
                   std::string("cannot remove the leftover: ") + std::strerror(errno),
                   "unix:" + path);
  }
  return {};
}

}  // namespace

Result<UnixSocketFile> UnixSocketFile::prepare(const std::string& path) {
  UnixSocketFile file;
  if (path.starts_with('@')) return file;
  auto lock = take_lock(path);
  if (!lock) return tl::unexpected(lock.error());
  file.path_ = path;
  file.lock_ = *lock;
  if (auto removed = remove_leftover(path); !removed) return tl::unexpected(removed.error());
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
