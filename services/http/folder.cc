#include "services/http/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/text.h"

namespace polyport::services::http {
namespace {

// Not blocking, so that a FIFO in the folder cannot stop the loop.
constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

int open_beneath(int folder, const char* path) {
  open_how how{};
  how.flags = kFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const long fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EAGAIN && errno != EINTR) break;  // something was renamed on the way
  }
  return -1;
}

// Name by name, without following links: for kernels before 5.6 and containers that forbid openat2.
int open_by_names(int folder, const std::string& path) {
  int at = ::openat(folder, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const auto names = split(path, '/');
  for (std::size_t i = 0; at >= 0 && i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    if (names[i].empty() || names[i] == ".") {
      if (!last) continue;
    }
    const std::string name(names[i].empty() ? "." : names[i]);
    const int flags = O_NOFOLLOW | (last ? kFlags : O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int next = ::openat(at, name.c_str(), flags);
    const int error = errno;
    ::close(at);
    errno = error;
    at = next;
  }
  return at;
}

// No name is hidden or leads up; NUL ends a path for the kernel but not for us.
bool is_sound(const std::string& path) {
  if (path.find('\0') != std::string::npos) return false;
  for (const std::string_view name : split(path, '/')) {
    if (name.starts_with('.') && name != ".well-known") return false;
  }
  return true;
}

}  // namespace

// --- OpenFile ------------------------------------------------------------------------------------

OpenFile::OpenFile(int fd) : fd_(fd) {
  struct stat facts {};
  if (fd < 0 || ::fstat(fd, &facts) != 0) return;
  regular_ = S_ISREG(facts.st_mode);
  folder_ = S_ISDIR(facts.st_mode);
  size_ = static_cast<std::uint64_t>(facts.st_size);
  modified_ = facts.st_mtim.tv_sec;
  modified_ns_ = facts.st_mtim.tv_nsec;
}

OpenFile::OpenFile(OpenFile&& other) noexcept {
  *this = std::move(other);
}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  regular_ = other.regular_;
  folder_ = other.folder_;
  size_ = other.size_;
  modified_ = other.modified_;
  modified_ns_ = other.modified_ns_;
  return *this;
}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string OpenFile::etag() const {
  return "\"" + std::to_string(modified_) + "." + std::to_string(modified_ns_) + "-" +
         std::to_string(size_) + "\"";
}

// --- Folder --------------------------------------------------------------------------------------

Result<std::unique_ptr<Folder>> Folder::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return std::unique_ptr<Folder>(new Folder(fd));
  return tl::unexpected(Error{errno == EACCES ? ErrorCode::kNotPermitted : ErrorCode::kNotFound,
                              "is no folder that can be read: " + std::string(std::strerror(errno)),
                              path, "name a folder, best with its whole path"});
}

Folder::~Folder() {
  ::close(fd_);
}

OpenFile Folder::open_below(const std::string& path, int& error, Resolve resolve) const {
  error = ENOENT;
  if (!is_sound(path)) return {};
  const std::string wanted = path.empty() ? "." : path;
  int fd = resolve == Resolve::kByKernel ? open_beneath(fd_, wanted.c_str()) : -1;
  const bool refused = fd < 0 && (errno == ENOSYS || errno == EPERM);
  if (resolve == Resolve::kByNames || refused) fd = open_by_names(fd_, path);
  if (fd < 0) {
    // What leads out (EXDEV) and links in a circle are simply not there.
    const bool tells =
        errno == EACCES || errno == EMFILE || errno == ENFILE || errno == ENAMETOOLONG;
    if (tells) error = errno;
    return {};
  }
  OpenFile file(fd);
  if (!file.is_regular() && !file.is_folder()) return {};
  error = 0;
  return file;
}

std::vector<Folder::Entry> Folder::list(const OpenFile& folder) {
  std::vector<Entry> entries;
  const int fd = ::openat(folder.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const stream = fd < 0 ? nullptr : ::fdopendir(fd);
  if (stream == nullptr) {
    if (fd >= 0) ::close(fd);
    return entries;
  }
  while (entries.size() < kMostEntries) {
    const dirent* const entry = ::readdir(stream);
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;
    entries.push_back({name, entry->d_type == DT_DIR});
  }
  ::closedir(stream);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace polyport::services::http
