#include "app/commands/ports/ports_text.h"

#include <algorithm>

#include "app/commands/ports/columns.h"
#include "core/base/layout.h"

namespace polyport {
namespace {

constexpr std::string_view kLentMark = "*";
constexpr std::string_view kNotVisible = "not visible";
constexpr std::string_view kOutside = "outside this container";

// Why a connection has neither process nor owner.
std::string_view without_file(SocketState state) {
  switch (state) {
    case SocketState::kEstablished:
    case SocketState::kSynReceived:
    case SocketState::kCloseWait:
      return "not accepted yet";
    case SocketState::kTimeWait:
      return "";  // the kernel alone: its process is done with it
    default:
      return "closed already";
  }
}

std::string holder_text(const PortRow& row, const Snapshot& snapshot) {
  switch (row.hidden) {
    case Hidden::kOtherUser:
      return std::string(kNotVisible);
    case Hidden::kPidNamespace:
      return std::string(kOutside);
    case Hidden::kKernel:
      return "the kernel";
    case Hidden::kNotListed:
      return row.socket.inode != 0 ? "ended just now" : std::string(without_file(row.socket.state));
    case Hidden::kNo:
      break;
  }
  const int pid = row.pids.front();
  std::string text = std::to_string(pid) + " " + snapshot.processes.at(pid).name;
  if (!row.service.empty()) text += " [" + row.service + "]";
  const std::size_t workers = static_cast<std::size_t>(row.workers);
  if (workers > 0) text += " " + std::to_string(workers) + (workers == 1 ? " worker" : " workers");
  const std::size_t others = row.pids.size() - 1 - workers;
  if (others > 0) text += " +" + std::to_string(others);
  return text;
}

bool is_lent(const PortRow& row, const Snapshot& snapshot) {
  return row.socket.local.is_ip() && snapshot.ephemeral.contains(row.socket.local.port);
}

std::string range_text(const PortRow& row, const Snapshot& snapshot) {
  if (!row.socket.local.is_ip()) return "";
  std::string text(name(port_range(row.socket.local.port)));
  if (is_lent(row, snapshot)) text += kLentMark;
  return text;
}

// "0/128": connections that wait, and how many may.
std::string queue_text(const KernelSocket& socket, KernelSockets::Source source) {
  if (socket.state != SocketState::kListening) {
    return socket.transport == Transport::kTcp ? "bound only" : "";
  }
  const bool knows_limit = source == KernelSockets::Source::kSockDiag;
  return std::to_string(socket.receive_queue) + "/" +
         (knows_limit ? std::to_string(socket.send_queue) : "?");
}

// "*:80" is [::]:80 that takes IPv4 too.
std::string server_endpoint(const PortRow& row, KernelSockets::Source source) {
  const KernelSocket& socket = row.socket;
  const bool both = source == KernelSockets::Source::kSockDiag && socket.ipv6_socket &&
                    !socket.ipv6_only && socket.local.is_any();
  if (!both || !row.interface.empty()) return row.local;
  return "*:" + std::to_string(socket.local.port);
}

// The workers of one polyport have a socket each: together they are one line.
std::vector<PortRow> programs(const std::vector<PortRow>& servers) {
  std::vector<PortRow> rows;
  for (const PortRow& row : servers) {
    PortRow* const last = rows.empty() ? nullptr : &rows.back();
    const bool same = last != nullptr && row.workers + last->workers > 0 && !row.pids.empty() &&
                      !last->pids.empty() && last->local == row.local &&
                      last->pids.front() == row.pids.front() &&
                      last->socket.transport == row.socket.transport;
    if (!same) {
      rows.push_back(row);
      continue;
    }
    last->workers += row.workers;
    last->pids.insert(last->pids.end(), row.pids.begin() + 1, row.pids.end());
    last->socket.receive_queue += row.socket.receive_queue;
    last->socket.send_queue += row.socket.send_queue;
  }
  return rows;
}

std::string server_table(const Snapshot& snapshot, const PortsLook& look) {
  const std::vector<Column> heads = {{"", 3},         {"endpoint", 15}, {"range", 4},  {"name", 4},
                                     {"process", 10}, {"user", 4},      {"waiting", 4}};
  std::vector<std::vector<std::string>> rows;
  for (const PortRow& row : programs(snapshot.servers)) {
    rows.push_back({std::string(name(row.socket.transport)), server_endpoint(row, snapshot.source),
                    range_text(row, snapshot), row.name, holder_text(row, snapshot), row.user,
                    queue_text(row.socket, snapshot.source)});
  }
  return column_lines(heads, rows, look.width, look.paint);
}

std::string connection_table(const Snapshot& snapshot, const PortsLook& look) {
  const std::vector<Column> heads = {{"", 3},      {"near end", 15}, {"far end", 15},
                                     {"state", 5}, {"process", 10},  {"user", 4}};
  std::vector<std::vector<std::string>> rows;
  for (const PortRow& row : snapshot.connections) {
    rows.push_back({std::string(name(row.socket.transport)), row.local, row.peer,
                    std::string(name(row.socket.state)), holder_text(row, snapshot), row.user});
  }
  return column_lines(heads, rows, look.width, look.paint);
}

template <class Condition>
bool any_row(const Snapshot& snapshot, Condition condition) {
  return std::any_of(snapshot.servers.begin(), snapshot.servers.end(), condition) ||
         std::any_of(snapshot.connections.begin(), snapshot.connections.end(), condition);
}

std::string notes(const Snapshot& snapshot) {
  std::string text;
  const auto add = [&](std::string_view label, std::string_view sentence) {
    constexpr std::size_t kColumn = 8;
    text += labelled_line(label, sentence, kColumn);
  };
  const auto is_hidden = [&](Hidden why) {
    return any_row(snapshot, [why](const PortRow& row) { return row.hidden == why; });
  };
  if (any_row(snapshot, [&](const PortRow& row) {
        return row.socket.peer.family == Family::kNone && is_lent(row, snapshot);
      })) {
    const EphemeralRange& lent = snapshot.ephemeral;
    add(kLentMark, "this kernel lends " + std::to_string(lent.low) + "-" +
                       std::to_string(lent.high) +
                       " to outgoing connections: one of them may have the number first");
  }
  const auto is_invisible = [&](const PortRow& row) { return row.hidden == Hidden::kOtherUser; };
  const auto is_own = [&](const PortRow& row) { return row.socket.uid == snapshot.uid; };
  if (any_row(snapshot, [&](const PortRow& row) { return is_invisible(row) && !is_own(row); })) {
    add("note", "\"not visible\": only the socket's user or root can see which process has it");
  }
  if (any_row(snapshot, [&](const PortRow& row) { return is_invisible(row) && is_own(row); })) {
    add("note", "\"not visible\": a process has it that does not let this one look at it");
  }
  if (is_hidden(Hidden::kPidNamespace)) {
    add("note", "\"outside this container\": its process is in another PID namespace");
  }
  if (snapshot.network == NetworkNamespace::kOther) {
    add("note",
        "these are the ports of this network namespace (a container has one); the host's, and "
        "those of other containers, are not visible here and are no hindrance");
  }
  if (!snapshot.shows_bound_tcp) {
    add("note", "this kernel does not tell of TCP sockets that are bound and do not listen");
  }
  if (snapshot.source == KernelSockets::Source::kProc) {
    add("note",
        "read from /proc/net, because sock_diag does not answer: without interfaces and limits");
  }
  return text;
}

std::string nothing_text(const PortsOptions& options) {
  const bool all = options.show == PortsOptions::Show::kAll;
  if (!options.port) return all ? "no sockets\n" : "nothing listens\n";
  const std::string port = "port " + std::to_string(*options.port);
  return all ? "nothing uses " + port + "\n"
             : "nothing listens on " + port + " (--all shows connections too)\n";
}

}  // namespace

std::string ports_text(const Snapshot& snapshot, const PortsOptions& options,
                       const PortsLook& look) {
  std::string text;
  if (!snapshot.servers.empty()) text += server_table(snapshot, look);
  if (!snapshot.connections.empty()) {
    text += (text.empty() ? "" : "\n") + connection_table(snapshot, look);
  }
  if (text.empty()) text = nothing_text(options);
  const std::string told = notes(snapshot);
  return told.empty() ? text : text + "\n" + told;
}

}  // namespace polyport
