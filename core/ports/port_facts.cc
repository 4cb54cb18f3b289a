#include "core/ports/port_facts.h"

#include <ifaddrs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <unordered_set>

#include "core/ports/namespaces.h"
#include "core/ports/published_services.h"
#include "core/ports/server_socket.h"
#include "core/ports/socket_file.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

// --- sockets and their owners --------------------------------------------------------------------

// What the attempts are about, to look up: many sockets are held against many attempts.
class Concern {
 public:
  explicit Concern(std::span<const BindAttempt> attempts) {
    for (const BindAttempt& attempt : attempts) {
      const BindTarget& target = attempt.target;
      if (target.transport == Transport::kUnix) {
        paths_.insert(target.path);
      } else {
        (target.transport == Transport::kUdp ? udp_ : tcp_).set(target.address.port);
      }
    }
  }

  bool has(const KernelSocket& socket) const {
    switch (socket.transport) {
      case Transport::kUnix:
        return paths_.contains(socket.path);
      case Transport::kUdp:
        return udp_.test(socket.local.port);
      default:
        return tcp_.test(socket.local.port);
    }
  }

 private:
  PortSet tcp_;
  PortSet udp_;
  std::unordered_set<std::string> paths_;
};

// The file tells which socket of the table a path is, whatever either was called: one text names
// another file in another directory or mount namespace, and a file may have been replaced. Those of
// other files lose their names here.
void match_files(KernelSockets& kernel, std::span<const BindAttempt> attempts) {
  for (const BindAttempt& attempt : attempts) {
    const std::string& path = attempt.target.path;
    if (attempt.target.transport != Transport::kUnix || path.starts_with('@')) continue;
    struct stat file {};
    const bool there = ::stat(path.c_str(), &file) == 0;
    for (KernelSocket& socket : kernel.sockets) {
      if (socket.transport != Transport::kUnix || socket.file_inode == 0) continue;
      if (there && is_bound_to(socket, path, file)) {
        socket.path = path;
      } else if (socket.path == path) {
        socket.path.clear();
      }
    }
  }
}

// A connection's far end matters too (somebody may listen there), so listeners are never left out.
KernelSockets relevant_sockets(std::span<const BindAttempt> attempts, const Concern& concern) {
  Transports asked = 0;
  bool any = false;
  for (const BindAttempt& attempt : attempts) {
    asked |= transports(attempt.target.transport);
    any = any || attempt.error == EADDRINUSE || attempt.error == EACCES;
  }
  if (!any) return {};
  KernelSockets kernel = read_kernel_sockets({.transports = asked});
  match_files(kernel, attempts);
  std::erase_if(kernel.sockets, [&](const KernelSocket& socket) {
    return socket.state != SocketState::kListening && !concern.has(socket);
  });
  return kernel;
}

void find_owners(PortFacts& facts, const Concern& concern) {
  std::vector<const KernelSocket*> sockets;
  std::vector<std::uint64_t> inodes;
  for (const KernelSocket& socket : facts.kernel.sockets) {
    if (socket.inode == 0 || !concern.has(socket)) continue;
    sockets.push_back(&socket);
    inodes.push_back(socket.inode);
  }
  if (inodes.empty()) return;
  const ProcessTable table = ProcessTable::find(inodes);
  std::map<int, std::optional<Process>> processes;
  std::map<int, std::vector<PublishedListener>> published;
  for (const KernelSocket* const socket : sockets) {
    SocketOwner owner;
    const std::vector<int> holders = table.holders(socket->inode);
    if (holders.empty()) {
      owner.hidden = table.why_hidden(socket->inode, socket->uid);
    } else {
      const int pid = holders.front();
      if (!processes.contains(pid)) processes.emplace(pid, read_process(pid));
      owner.process = processes.at(pid);
      owner.more_pids.assign(holders.begin() + 1, holders.end());
      if (!owner.process) owner.hidden = Hidden::kNotListed;
      if (pid != facts.pid && table.publishes(pid)) {
        if (!published.contains(pid)) {
          published.emplace(pid, parse_published_services(read_published_services(pid)));
        }
        if (const auto* const listener = listener_of(*socket, published.at(pid))) {
          owner.service = listener->service;
          owner.where = listener->where;
        }
      }
    }
    facts.owners.emplace(socket->inode, std::move(owner));
  }
}

// --- this machine and this process ---------------------------------------------------------------

std::vector<Address> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  std::vector<Address> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    Address address = Address::from(entry->ifa_addr);
    address.port = 0;
    found.push_back(address);
  }
  ::freeifaddrs(list);
  // Other machines' ways in first.
  std::stable_partition(found.begin(), found.end(),
                        [](const Address& address) { return !address.is_loopback(); });
  return found;
}

bool exists(const char* path) {
  struct stat file;
  return ::stat(path, &file) == 0;
}

}  // namespace

View where_we_look_from() {
  const NetworkNamespace network = network_namespace();
  if (network == NetworkNamespace::kFirst) return View::kMachine;  // of a container too
  if (exists("/.dockerenv") || exists("/run/.containerenv") || exists("/run/systemd/container")) {
    return View::kContainer;
  }
  return network == NetworkNamespace::kOther ? View::kNamespace : View::kMachine;
}

PortFacts gather_port_facts(std::span<const BindAttempt> attempts) {
  PortFacts facts;
  facts.ephemeral = ephemeral_range();
  facts.unprivileged_start = unprivileged_port_start();
  facts.families = probe_families();
  facts.addresses = interface_addresses();
  facts.unusable = read_unusable_addresses();
  facts.view = where_we_look_from();
  facts.uid = ::geteuid();
  facts.pid = ::getpid();
  facts.may_bind_privileged = may_bind_privileged_ports();
  facts.reserved = reserved_ports();
  std::error_code failed;
  facts.program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
  const Concern concern(attempts);
  facts.kernel = relevant_sockets(attempts, concern);
  find_owners(facts, concern);
  return facts;
}

namespace {

// What a bind to the path would answer, without making the file: 0 or an errno, and the step.
BindAttempt look_at_path(const BindTarget& target) {
  BindAttempt attempt{.target = target};
  attempt.error = look_at_socket_path(target.path);
  if (attempt.error == 0) return attempt;
  const sock::Untraced quiet;
  const bool has_holder = attempt.error == EADDRINUSE && look_for_holder(target.path) != 0;
  attempt.step = has_holder ? BindStep::kPath : BindStep::kBind;
  return attempt;
}

}  // namespace

BindAttempt try_bind(const BindTarget& target) {
  const bool is_path = target.transport == Transport::kUnix && !target.path.starts_with('@');
  if (is_path) return look_at_path(target);
  const sock::Untraced quiet;
  BindAttempt attempt{.target = target};
  const auto failed = [&](BindStep step, int result) {
    attempt.step = step;
    attempt.error = -result;
    return attempt;
  };
  const int fd = open_server_socket(target);
  if (fd < 0) return failed(BindStep::kSocket, fd);
  attempt.reuse_address = target.transport == Transport::kTcp;
  constexpr unsigned kPrivate = 0600;
  const int bound = bind_server_socket(fd, target, kPrivate);
  sock::close(fd);
  return bound < 0 ? failed(BindStep::kBind, bound) : attempt;
}

}  // namespace polyport
