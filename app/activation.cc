#include "app/activation.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 65'536;

std::string take_variable(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

tl::unexpected<Error> wrong(std::string what, std::string hint = {}) {
  return failure(ErrorCode::kBadValue, std::move(what), "socket activation", std::move(hint));
}

}  // namespace

Result<std::vector<InheritedSocket>> take_inherited_sockets() {
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count_text = take_variable("LISTEN_FDS");
  const std::string names_text = take_variable("LISTEN_FDNAMES");
  ::unsetenv("LISTEN_PIDFDID");
  // Of another process: a parent's, who forgot to unset them.
  if (parse_number<int>(pid) != ::getpid() || count_text.empty()) return {};

  const auto count = parse_number<int>(count_text);
  if (!count || *count < 0 || *count > kMost) {
    return wrong("LISTEN_FDS is " + quoted(count_text, 40) + ", which is no number of sockets");
  }
  std::vector<std::string_view> names;
  if (!names_text.empty()) names = split(names_text, ':');
  if (!names.empty() && names.size() != static_cast<std::size_t>(*count)) {
    return wrong("LISTEN_FDNAMES has " + std::to_string(names.size()) + " names for " +
                 std::to_string(*count) + " sockets");
  }
  std::vector<InheritedSocket> sockets;
  for (int i = 0; i < *count; ++i) {
    const int fd = kFirst + i;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
      return wrong("descriptor " + std::to_string(fd) +
                       " of LISTEN_FDS is not open: " + std::strerror(errno),
                   "LISTEN_FDS counts the descriptors from 3 up");
    }
    sockets.push_back(
        {.fd = fd,
         .name = names.empty() ? std::string() : std::string(names[static_cast<std::size_t>(i)])});
  }
  return sockets;
}

}  // namespace polyport
