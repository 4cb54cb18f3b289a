#include "app/commands/ports/snapshot.h"

#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "core/base/text.h"
#include "core/ports/port_names.h"
#include "core/ports/published_services.h"
#include "core/ports/socket_holders.h"

namespace polyport {
namespace {

bool is_server(const KernelSocket& socket) {
  return socket.state == SocketState::kListening || socket.state == SocketState::kBound;
}

KernelSockets read_sockets(const PortsOptions& options) {
  SocketQuery query;
  if (options.unix_sockets) query.transports |= transports(Transport::kUnix);
  if (options.show == PortsOptions::Show::kServers) {
    query.which = SocketQuery::Which::kServers;
    query.local_port = options.port;
  }
  KernelSockets kernel = read_kernel_sockets(query);
  if (options.port) {
    std::erase_if(kernel.sockets, [&](const KernelSocket& socket) {
      return socket.local.port != *options.port && socket.peer.port != *options.port;
    });
  }
  return kernel;
}

std::string interface_name(std::uint32_t number) {
  if (number == 0) return {};
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(number, name.data()) == nullptr) return std::to_string(number);
  return printable(name.data());
}

std::string endpoint_text(Address address, const std::string& interface) {
  if (address.family == Family::kNone) return {};
  if (interface.empty()) return address.text();
  address.scope_id = 0;  // the interface is shown by its name
  const std::string ip = address.ip_text() + "%" + interface;
  const std::string port = ":" + std::to_string(address.port);
  return address.family == Family::kIPv6 ? "[" + ip + "]" + port : ip + port;
}

// What the rows have in common is looked up once.
class Describer {
 public:
  Describer(Snapshot& snapshot, const ProcessTable& table)
      : snapshot_(snapshot), table_(table), finder_(table) {}

  PortRow describe(KernelSocket socket) {
    PortRow row;
    const bool is_unix = socket.transport == Transport::kUnix;
    row.interface = interface_name(socket.interface);
    row.local = is_unix ? printable(socket.path) : endpoint_text(socket.local, row.interface);
    row.peer = endpoint_text(socket.peer, {});
    if (!is_unix && is_server(socket)) row.name = names_.find(socket.local.port, socket.transport);
    if (socket.uid_known) row.user = user(socket.uid);
    const SocketHolders holders = finder_.find(socket.inode);
    add_process(holders.pid, row);
    for (const int pid : holders.workers)
      row.workers += add_process(pid, row) ? 1 : 0;
    for (const int pid : holders.others)
      add_process(pid, row);
    for (const int pid : row.pids) {
      if (!row.ours) find_service(pid, socket, row);
    }
    if (row.pids.empty()) row.hidden = why_hidden(socket);
    row.socket = std::move(socket);
    return row;
  }

 private:
  const std::string& user(std::uint32_t uid) {
    const auto [entry, is_new] = users_.try_emplace(uid);
    if (is_new) entry->second = user_name(uid);
    return entry->second;
  }

  // False where there is none (any more).
  bool add_process(int pid, PortRow& row) {
    const Process* const process = pid == 0 ? nullptr : finder_.process(pid);
    if (process == nullptr) return false;
    snapshot_.processes.emplace(pid, *process);
    row.pids.push_back(pid);
    return true;
  }

  void find_service(int pid, const KernelSocket& socket, PortRow& row) {
    const std::vector<PublishedListener>& listeners = finder_.published(pid).listeners;
    if (listeners.empty()) return;
    row.ours = true;
    row.service = service_of(socket, listeners);
  }

  // A process that was there when we looked, and has ended since, hides nothing.
  Hidden why_hidden(const KernelSocket& socket) const {
    const Hidden why = table_.why_hidden(socket.inode, socket.uid);
    return why == Hidden::kNo ? Hidden::kNotListed : why;
  }

  Snapshot& snapshot_;
  const ProcessTable& table_;
  HolderFinder finder_;
  const PortNames names_;
  std::map<std::uint32_t, std::string> users_;
};

// In the order of numbers, which is the order a person looks for them; unix sockets last.
void sort(std::vector<PortRow>& rows) {
  const auto key = [](const PortRow& row) {
    const KernelSocket& socket = row.socket;
    return std::tie(socket.local.port, socket.transport, socket.local, socket.path, socket.peer,
                    socket.inode);
  };
  const auto is_unix = [](const PortRow& row) { return row.socket.transport == Transport::kUnix; };
  std::sort(rows.begin(), rows.end(), [&](const PortRow& left, const PortRow& right) {
    if (is_unix(left) != is_unix(right)) return is_unix(right);
    return key(left) < key(right);
  });
}

}  // namespace

Snapshot take_snapshot(const PortsOptions& options) {
  Snapshot snapshot;
  KernelSockets kernel = read_sockets(options);
  snapshot.source = kernel.source;
  snapshot.shows_bound_tcp = kernel.shows_bound_tcp;
  snapshot.network = network_namespace();
  snapshot.first_pid_namespace = in_first_pid_namespace();
  snapshot.uid = ::geteuid();
  snapshot.ephemeral = ephemeral_range();

  std::vector<std::uint64_t> inodes;
  for (const KernelSocket& socket : kernel.sockets) {
    if (socket.inode != 0) inodes.push_back(socket.inode);
  }
  const ProcessTable table = inodes.empty() ? ProcessTable() : ProcessTable::find(inodes);
  Describer describer(snapshot, table);
  for (KernelSocket& socket : kernel.sockets) {
    std::vector<PortRow>& rows = is_server(socket) ? snapshot.servers : snapshot.connections;
    rows.push_back(describer.describe(std::move(socket)));
  }
  sort(snapshot.servers);
  sort(snapshot.connections);
  return snapshot;
}

}  // namespace polyport
