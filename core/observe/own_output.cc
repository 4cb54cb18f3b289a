#include "core/observe/own_output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace polyport {

int own_output(int fd) {
  constexpr int kAboveStandard = 3;
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kAboveStandard);
  struct stat status {};
  if (copy < 0 || ::fstat(copy, &status) != 0) return copy;
  // A file opened again would begin at its start; a socket cannot be.
  if (!S_ISCHR(status.st_mode) && !S_ISFIFO(status.st_mode)) return copy;
  const std::string path = "/proc/self/fd/" + std::to_string(copy);
  const int again = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (again < 0) return copy;
  ::close(copy);
  return again;
}

}  // namespace polyport
