#include "core/socket/passing.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace polyport::sock {

namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(kMostPassed * sizeof(int));

// The descriptors that a message brought.
std::vector<int> passed(msghdr& message) {
  std::vector<int> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    const std::size_t before = found.size();
    found.resize(before + count);
    std::memcpy(found.data() + before, CMSG_DATA(part), count * sizeof(int));
  }
  return found;
}

}  // namespace

int open_channel(std::array<int, 2>& ends) {
  constexpr int kType = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return ::socketpair(AF_UNIX, kType, 0, ends.data()) == 0 ? 0 : -errno;
}

bool is_channel(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  return domain == AF_UNIX && type == SOCK_SEQPACKET;
}

std::ptrdiff_t send_message(int fd, std::string_view bytes, std::span<const int> descriptors) {
  if (descriptors.size() > kMostPassed) return -EINVAL;
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[kControlBytes] = {};
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  while (true) {
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return sent;
    if (errno != EINTR) return -errno;
  }
}

std::ptrdiff_t receive_message(int fd, char* buffer, std::size_t size,
                               std::vector<int>& descriptors, bool& lost) {
  iovec piece{buffer, size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[kControlBytes] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = -1;
  do {
    got = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return -errno;
  const std::vector<int> came = passed(message);
  lost = (message.msg_flags & MSG_CTRUNC) != 0;
  const bool cut = (message.msg_flags & MSG_TRUNC) != 0;
  if (lost || cut) {
    for (const int each : came)
      ::close(each);
  } else {
    descriptors.insert(descriptors.end(), came.begin(), came.end());
  }
  return cut ? -EMSGSIZE : got;
}

}  // namespace polyport::sock
