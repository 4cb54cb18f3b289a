#include "core/base/state_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr mode_t kOthersWrite = 022;
constexpr mode_t kOthersAnything = 077;
constexpr const char* kLockName = "lock";
constexpr const char* kUnfinished = ".new";

// A descriptor for one scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  const int fd_;
};

tl::unexpected<Error> refused(std::string what, const std::string& path, std::string hint) {
  return failure(ErrorCode::kNotPermitted, std::move(what), printable(path), std::move(hint));
}

tl::unexpected<Error> failed(std::string_view what, int error, const std::string& path) {
  const ErrorCode code = error == EACCES || error == EPERM || error == EROFS
                             ? ErrorCode::kNotPermitted
                         : error == ENOENT ? ErrorCode::kNotFound
                                           : ErrorCode::kSystem;
  std::string hint;
  if (code == ErrorCode::kNotPermitted) {
    hint = "give this user the right to it, or set [server] state_dir to a place it may write";
  }
  return failure(code, std::string(what) + ": " + std::strerror(error), printable(path),
                 std::move(hint));
}

std::string user(uid_t uid) {
  return "the user with the number " + std::to_string(uid);
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3)
    digits += static_cast<char>('0' + ((mode >> shift) & 7));
  return digits;
}

// Whoever owns a file, or may write to it, decides what it says.
Result<void> check_trust(const struct stat& status, mode_t forbidden, const std::string& path) {
  if (status.st_uid != ::geteuid()) {
    return refused("belongs to " + user(status.st_uid) + " and not to this one, " +
                       std::to_string(::geteuid()),
                   path, "run polyport as its owner, or set another [server] state_dir");
  }
  if ((status.st_mode & forbidden) == 0) return {};
  const bool folder = S_ISDIR(status.st_mode);
  const mode_t right = folder ? 0700 : forbidden == kOthersAnything ? 0600 : 0644;
  return refused(std::string("has the mode ") + octal(status.st_mode & 07777) + ": others may " +
                     ((status.st_mode & kOthersWrite) != 0 ? "change" : "read") + " it",
                 path,
                 "chmod " + octal(right).substr(1) + " " + shell_word(path) +
                     ", or remove it if somebody may have used that");
}

// Every folder of the path that is missing.
int make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      // A folder above that is there may refuse for other reasons than being there (EROFS).
      const int error = errno;
      if (::access(part.c_str(), F_OK) != 0) return error;
    }
    if (slash == std::string::npos) return 0;
  }
}

int write_whole(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

Result<std::string> read_whole(int fd, const std::string& path) {
  std::string bytes(StateFolder::kMaxFileBytes + 1, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::read(fd, bytes.data() + filled, bytes.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("cannot be read", errno, path);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  if (filled == bytes.size()) {
    return failure(ErrorCode::kBadValue,
                   "is larger than " + std::to_string(StateFolder::kMaxFileBytes) + " bytes",
                   printable(path), "it is no file of polyport's: move it away");
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<StateFolder> StateFolder::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("cannot be opened", errno, path);
  StateFolder folder(path, fd);
  struct stat status {};
  if (::fstat(fd, &status) != 0) return failed("cannot be looked at", errno, path);
  if (auto trusted = check_trust(status, kOthersWrite, path); !trusted) {
    return tl::unexpected(std::move(trusted.error()));
  }
  return folder;
}

Result<StateFolder> StateFolder::make(const std::string& path) {
  if (const int error = make_folders(path); error != 0) {
    return failed("cannot be created", error, path);
  }
  return open(path);
}

bool StateFolder::is_there(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      lock_fd_(std::exchange(other.lock_fd_, -1)) {}

StateFolder& StateFolder::operator=(StateFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(lock_fd_, other.lock_fd_);
  return *this;
}

StateFolder::~StateFolder() {
  if (lock_fd_ >= 0) ::close(lock_fd_);
  if (fd_ >= 0) ::close(fd_);
}

std::string StateFolder::path_of(std::string_view name) const {
  return path_ + (path_.ends_with('/') ? "" : "/") + std::string(name);
}

Result<void> StateFolder::lock(std::chrono::milliseconds patience) {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 10'000'000};
  const std::string path = path_of(kLockName);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  lock_fd_ = ::openat(fd_, kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_fd_ < 0) return failed("cannot be written", errno, path);
  // The kernel lets go of it with its holder, whatever becomes of that.
  while (::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("cannot be locked", errno, path);
    if (std::chrono::steady_clock::now() >= deadline) {
      return failure(ErrorCode::kConflict, "another program has held the lock for too long",
                     printable(path), "fuser " + shell_word(path) + " says which");
    }
    ::nanosleep(&kPause, nullptr);
  }
  return {};
}

Result<std::optional<std::string>> StateFolder::read(const std::string& name,
                                                     Secrecy secrecy) const {
  const std::string path = path_of(name);
  // Without O_NONBLOCK a pipe of that name would stop us here.
  const Descriptor file(
      ::openat(fd_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file && errno == ELOOP)
    return refused("is a symbolic link", path, "put the file itself there");
  if (!file) return failed("cannot be read", errno, path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed("cannot be looked at", errno, path);
  if (!S_ISREG(status.st_mode)) return refused("is no regular file", path, "move it away");
  const mode_t forbidden = secrecy == Secrecy::kSecret ? kOthersAnything : kOthersWrite;
  if (auto trusted = check_trust(status, forbidden, path); !trusted) {
    return tl::unexpected(std::move(trusted.error()));
  }
  auto bytes = read_whole(file.get(), path);
  if (!bytes) return tl::unexpected(std::move(bytes.error()));
  return std::optional<std::string>(std::move(*bytes));
}

Result<void> StateFolder::write(const std::string& name, std::string_view bytes,
                                Secrecy secrecy) const {
  // One name is enough, because the lock's holder is the only one who writes. What lies there is
  // of one who was killed.
  const std::string unfinished = name + kUnfinished;
  ::unlinkat(fd_, unfinished.c_str(), 0);
  const mode_t mode = secrecy == Secrecy::kSecret ? 0600 : 0644;
  const Descriptor file(::openat(fd_, unfinished.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file) return failed("cannot be written", errno, path_of(name));
  int error = write_whole(file.get(), bytes);
  if (error == 0 && ::renameat(fd_, unfinished.c_str(), fd_, name.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlinkat(fd_, unfinished.c_str(), 0);
    return failed("cannot be written", error, path_of(name));
  }
  ::fsync(fd_);  // the new name; a file system that cannot is no reason to stop
  return {};
}

void StateFolder::remove(const std::string& name) const {
  ::unlinkat(fd_, name.c_str(), 0);
}

std::vector<std::string> StateFolder::names(std::size_t limit) const {
  std::vector<std::string> found;
  // A descriptor of its own: closedir closes it, and each begins at the first name.
  const int fd = ::openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const directory = fd < 0 ? nullptr : ::fdopendir(fd);
  if (directory == nullptr) {
    if (fd >= 0) ::close(fd);
    return found;
  }
  while (found.size() < limit) {
    const dirent* const entry = ::readdir(directory);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") found.emplace_back(name);
  }
  ::closedir(directory);
  return found;
}

}  // namespace polyport
