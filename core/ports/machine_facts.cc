#include "core/ports/machine_facts.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_addr.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/base/text.h"

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

// "00000000000000000000000000000001 01 80 10 80 lo"; no file where the kernel has no IPv6.
bool has_ipv6_loopback() {
  std::ifstream addresses("/proc/net/if_inet6");
  for (std::string line; std::getline(addresses, line);) {
    if (line.starts_with(std::string(31, '0') + "1 ")) return true;
  }
  return false;
}

bool contains(const std::vector<Address>& list, const Address& address) {
  return std::find(list.begin(), list.end(), address) != list.end();
}

}  // namespace

// An address, "|-- 127.0.0.1", and below it what it is: "/32 host LOCAL" or "/32 link BROADCAST".
// Every address comes twice, once a table.
LocalAddresses parse_local_addresses(std::istream& table) {
  LocalAddresses found;
  std::optional<Address> address;
  for (std::string line; std::getline(table, line);) {
    const std::string_view text = trim(line);
    if (text.starts_with("|-- ")) {
      address = Address::parse_ip(text.substr(4));
    } else if (address && text == "/32 host LOCAL") {
      if (!contains(found.own, *address)) found.own.push_back(*address);
    } else if (address && text == "/32 link BROADCAST") {
      if (!contains(found.broadcast, *address)) found.broadcast.push_back(*address);
    }
  }
  return found;
}

// "fd000000000000000000000000000007 03 40 00 c0 eth0": the address, and in hexadecimal the number
// of its interface, its prefix, scope and flags.
UnusableAddresses parse_unusable_addresses(std::istream& table) {
  constexpr unsigned kTentative = IFA_F_TENTATIVE;
  constexpr unsigned kFailed = IFA_F_DADFAILED;
  UnusableAddresses found;
  for (std::string line; std::getline(table, line);) {
    std::istringstream columns(line);
    std::string digits;
    unsigned interface = 0, prefix = 0, scope = 0, flags = 0;
    columns >> digits >> std::hex >> interface >> prefix >> scope >> flags;
    if (!columns || digits.size() != 32 || (flags & (kTentative | kFailed)) == 0) continue;
    std::string text;
    for (std::size_t at = 0; at < digits.size(); at += 4)
      text += (at == 0 ? "" : ":") + digits.substr(at, 4);
    auto address = Address::parse_ip(text);
    if (!address) continue;
    if (address->is_link_local()) address->scope_id = interface;
    ((flags & kFailed) != 0 ? found.duplicate : found.tentative).push_back(*address);
  }
  return found;
}

UnusableAddresses read_unusable_addresses() {
  std::ifstream table("/proc/net/if_inet6");  // no file where the kernel has no IPv6
  return parse_unusable_addresses(table);
}

bool may_bind_privileged_ports() {
  return has_capability(CAP_NET_BIND_SERVICE) && owns_network_namespace();
}

MachineFacts read_machine_facts() {
  MachineFacts facts{.ephemeral = ephemeral_range(),
                     .reserved = reserved_ports(),
                     .unprivileged_start = unprivileged_port_start(),
                     .may_bind_privileged = may_bind_privileged_ports()};
  if (std::ifstream routes("/proc/net/fib_trie"); routes) {
    LocalAddresses addresses = parse_local_addresses(routes);
    facts.families = {contains(addresses.own, Address::loopback(Family::kIPv4)),
                      has_ipv6_loopback()};
    facts.broadcast = std::move(addresses.broadcast);
  }
  return facts;
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

int look_at_socket_path(const std::string& path) {
  struct stat file;
  if (::lstat(path.c_str(), &file) == 0) {
    if (S_ISSOCK(file.st_mode)) return EADDRINUSE;
    return S_ISDIR(file.st_mode) ? EISDIR : ENOTSOCK;
  }
  if (errno != ENOENT) return errno;
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  return ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

}  // namespace polyport
