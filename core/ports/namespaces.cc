#include "core/ports/namespaces.h"

#include <sys/stat.h>
#include <unistd.h>

namespace polyport {
namespace {

// The kernel's fixed numbers of the first namespaces (include/linux/proc_ns.h); that of the network
// is fixed since 6.17 only.
constexpr ino_t kFirstPid = 0xEFFFFFFC;
constexpr ino_t kFirstNetwork = 0xEFFFFFF9;

bool has_inode(const char* path, ino_t inode) {
  struct stat facts {};
  return ::stat(path, &facts) == 0 && facts.st_ino == inode;
}

bool exists(const char* path) {
  return ::access(path, F_OK) == 0;
}

}  // namespace

NetworkNamespace network_namespace() {
  if (has_inode("/proc/self/ns/net", kFirstNetwork)) return NetworkNamespace::kFirst;
  // Settings of the whole machine are shown in its own namespace only, settings of one in all.
  if (!exists("/proc/sys/net/core/somaxconn")) return NetworkNamespace::kUnknown;
  return exists("/proc/sys/net/core/netdev_budget") ? NetworkNamespace::kFirst
                                                    : NetworkNamespace::kOther;
}

std::string_view name(NetworkNamespace kind) {
  switch (kind) {
    case NetworkNamespace::kFirst:
      return "first";
    case NetworkNamespace::kOther:
      return "other";
    case NetworkNamespace::kUnknown:
      break;
  }
  return "unknown";
}

bool in_first_pid_namespace() {
  return has_inode("/proc/self/ns/pid", kFirstPid);
}

}  // namespace polyport
