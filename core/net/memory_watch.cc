#include "core/net/memory_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "core/base/text.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace polyport {

MemoryWatch::MemoryWatch(std::uint64_t limit, const std::string& file) : limit_(limit) {
  if (limit_ == 0) return;
  fd_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  page_bytes_ = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  look_now();
}

MemoryWatch::~MemoryWatch() {
  if (fd_ >= 0) ::close(fd_);
}

bool MemoryWatch::look(std::uint64_t now_ms) {
  if (fd_ < 0 || now_ms - looked_ms_ < (is_near() ? kNearEveryMs : kEveryMs)) return false;
  looked_ms_ = now_ms;
  look_now();
  return true;
}

void MemoryWatch::look_now() {
  char text[128];
  const ssize_t count = fd_ < 0 ? 0 : ::pread(fd_, text, sizeof text, 0);
  if (count <= 0) return;
  // "size resident shared …", in pages.
  std::string_view rest(text, static_cast<std::size_t>(count));
  rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  if (const auto pages = parse_number<std::uint64_t>(rest.substr(0, rest.find_first_of(" \n")))) {
    bytes_ = *pages * page_bytes_;
  }
}

void MemoryWatch::trim() {
#if defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace polyport
