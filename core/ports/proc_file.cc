#include "core/ports/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace polyport {

std::optional<std::string> read_proc_file(int directory, const char* path, std::size_t most) {
  constexpr std::size_t kPiece = 64 * 1024;
  const int fd = ::openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::string text;
  ssize_t got = 0;
  // /proc gives what it likes at a time, and its files have no size beforehand.
  do {
    const std::size_t before = text.size();
    const std::size_t room = std::min(kPiece, most - before);
    if (room == 0) break;
    text.resize(before + room);
    got = ::read(fd, text.data() + before, room);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  } while (got > 0 || (got < 0 && errno == EINTR));
  ::close(fd);
  if (got < 0) return std::nullopt;
  return text;
}

}  // namespace polyport
