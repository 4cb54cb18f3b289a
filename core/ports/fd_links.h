// The links under /proc/PID/fd, which tell what a process has open: for process_table.cc and
// processes.cc.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

namespace polyport {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// Null, with errno set, where it cannot be opened.
inline Directory open_directory(int parent, const char* path) {
  const int fd = ::openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  DIR* const directory = ::fdopendir(fd);
  if (directory == nullptr) ::close(fd);
  return Directory(directory);
}

// A process or a descriptor that ended while we looked, which is no refusal.
inline bool is_gone(int error) {
  return error == ENOENT || error == ESRCH;
}

// Calls `each(name of the descriptor, link)` for all until it answers false; false where the links
// may not be read. Links we look for are short: a long one is cut, and is none of them.
template <class Each>
bool for_each_link(DIR* descriptors, Each each) {
  std::array<char, 64> buffer;
  while (const dirent* const entry = ::readdir(descriptors)) {
    if (entry->d_name[0] == '.') continue;
    const ssize_t size =
        ::readlinkat(::dirfd(descriptors), entry->d_name, buffer.data(), buffer.size());
    if (size < 0 && is_gone(errno)) continue;
    if (size < 0) return false;
    const std::string_view link(buffer.data(), static_cast<std::size_t>(size));
    if (!each(static_cast<const char*>(entry->d_name), link)) return true;
  }
  return true;
}

// Whether such a link leads to a memory file called kPublishedServicesName.
bool is_published_link(std::string_view link);

}  // namespace polyport
