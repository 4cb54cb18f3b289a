#include "core/ports/machine_facts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace polyport {
namespace {

bool has_capability(unsigned number) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    const std::uint64_t held = std::strtoull(line.c_str() + 7, nullptr, 16);
    return (held >> number & 1) != 0;
  }
  return ::geteuid() == 0;
}

// A capability of a user namespace counts in the network namespaces that belong to it or to one
// below it; the kernel refuses to name an owner above us.
bool owns_network_namespace() {
  const int network = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (network < 0) return true;
  const int owner = ::ioctl(network, NS_GET_USERNS);
  const int error = errno;
  ::close(network);
  if (owner >= 0) ::close(owner);
  return owner >= 0 || error != EPERM;
}

}  // namespace

bool may_bind_privileged_ports() {
  return has_capability(CAP_NET_BIND_SERVICE) && owns_network_namespace();
}

MachineFacts read_machine_facts() {
  return {.families = read_families(),
          .ephemeral = ephemeral_range(),
          .reserved = reserved_ports(),
          .unprivileged_start = unprivileged_port_start(),
          .may_bind_privileged = may_bind_privileged_ports()};
}

std::string same_socket_path(const std::string& path) {
  if (path.starts_with('@')) return path;
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path absolute = fs::absolute(path, failed);
  const fs::path written = failed ? fs::path(path) : absolute;  // the working directory is gone
  // The file itself may be a link, and then bind refuses it: only its directory is followed. One
  // that is not there, or not readable, is judged by its letters.
  const fs::path directory = fs::weakly_canonical(written.parent_path(), failed);
  const fs::path whole = (failed ? written.parent_path() : directory) / written.filename();
  return whole.lexically_normal().string();
}

}  // namespace polyport
