#include "core/ports/socket_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/ports/kernel_sockets.h"
#include "core/ports/machine_facts.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// By its name. What a relative one is relative to is not told, so that one of the same last part
// may be it.
bool may_be_named(const KernelSocket& socket, const std::string& path) {
  if (socket.path.starts_with('@')) return false;
  if (!socket.path.starts_with('/')) return file_name(socket.path) == file_name(path);
  return same_socket_path(socket.path) == same_socket_path(path);
}

bool is_bound_by_somebody(const std::string& path, const struct stat& file) {
  const KernelSockets kernel = read_kernel_sockets(
      {.transports = transports(Transport::kUnix), .which = SocketQuery::Which::kServers});
  if (kernel.source == KernelSockets::Source::kNone) return true;
  return std::any_of(kernel.sockets.begin(), kernel.sockets.end(), [&](const KernelSocket& each) {
    return each.file_inode != 0 ? is_bound_to(each, path, file) : may_be_named(each, path);
  });
}

}  // namespace

bool is_bound_to(const KernelSocket& socket, const std::string& path, const struct stat& file) {
  if (socket.transport != Transport::kUnix || socket.file_inode == 0) return false;
  if (socket.file_inode != static_cast<std::uint32_t>(file.st_ino)) return false;
  // stat() invents a device for each btrfs subvolume and overlay, which the table does not know.
  return socket.file_device == file.st_dev || may_be_named(socket, path);
}

int look_for_holder(const std::string& path) {
  const int probe = sock::open_stream(Family::kUnix);
  if (probe < 0) return -probe;
  const int answer = sock::connect_unix(probe, path);
  sock::close(probe);
  // Anything else: a listener, one of another kind of socket, or one that does not let us in.
  if (answer != -ECONNREFUSED) return EADDRINUSE;
  struct stat file;
  if (::stat(path.c_str(), &file) != 0) return errno == ENOENT ? 0 : EADDRINUSE;
  return is_bound_by_somebody(path, file) ? EADDRINUSE : 0;
}

}  // namespace polyport
