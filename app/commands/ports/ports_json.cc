#include "app/commands/ports/ports_json.h"

#include "core/base/units.h"

namespace polyport {
namespace {

std::string_view state_word(const KernelSocket& socket) {
  switch (socket.state) {
    case SocketState::kListening:
      return "listening";
    case SocketState::kBound:
      return "bound";
    case SocketState::kSynSent:
      return "syn_sent";
    case SocketState::kSynReceived:
      return "syn_received";
    case SocketState::kEstablished:
      return "established";
    case SocketState::kFinWait1:
      return "fin_wait_1";
    case SocketState::kFinWait2:
      return "fin_wait_2";
    case SocketState::kCloseWait:
      return "close_wait";
    case SocketState::kClosing:
      return "closing";
    case SocketState::kLastAck:
      return "last_ack";
    case SocketState::kTimeWait:
      break;
  }
  return "time_wait";
}

std::string_view source_word(KernelSockets::Source source) {
  switch (source) {
    case KernelSockets::Source::kSockDiag:
      return "sock_diag";
    case KernelSockets::Source::kProc:
      return "proc";
    case KernelSockets::Source::kNone:
      break;
  }
  return "none";
}

template <class Value>
void field_or_null(JsonWriter& json, std::string_view key, bool known, const Value& value) {
  json.key(key);
  if (known) {
    json.value(value);
  } else {
    json.value(nullptr);
  }
}

void text_or_null(JsonWriter& json, std::string_view key, std::string_view text) {
  field_or_null(json, key, !text.empty(), text);
}

// `end` is "" or "remote_".
void write_address(JsonWriter& json, const std::string& end, const Address& address) {
  field_or_null(json, end + "address", address.is_ip(), address.ip_text());
  field_or_null(json, end + "port", address.is_ip(), address.port);
}

void write_queues(JsonWriter& json, const KernelSocket& socket, KernelSockets::Source source) {
  const bool counts = socket.state == SocketState::kListening;  // connections, and not bytes
  // Without sock_diag the limit is not told; and nobody can listen with room for none.
  field_or_null(json, "backlog", counts && source == KernelSockets::Source::kSockDiag,
                socket.send_queue);
  field_or_null(json, "accept_queue", counts, socket.receive_queue);
  field_or_null(json, "receive_queue_bytes", !counts, socket.receive_queue);
  field_or_null(json, "send_queue_bytes", !counts, socket.send_queue);
}

void write_process(JsonWriter& json, const Process& process) {
  json.begin_object();
  json.field("pid", process.pid);
  json.field("parent", process.parent);
  json.field("process", process.name);
  json.field("uid", process.uid);
  json.field("user", process.user);
  json.field("command", process.command);
  text_or_null(json, "process_started", process.started ? utc_text(*process.started) : "");
  text_or_null(json, "unit", process.unit);
  json.field("user_unit", process.user_unit);
  text_or_null(json, "container", process.container);
  json.end_object();
}

void write_holders(JsonWriter& json, const PortRow& row, const Snapshot& snapshot) {
  text_or_null(json, "hidden_because", name(row.hidden));
  json.key("processes");
  json.begin_array();
  for (const int pid : row.pids)
    write_process(json, snapshot.processes.at(pid));
  json.end_array();
}

void write_row(JsonWriter& json, const PortRow& row, const Snapshot& snapshot) {
  const KernelSocket& socket = row.socket;
  const bool is_unix = socket.transport == Transport::kUnix;
  const bool diagnosed = snapshot.source == KernelSockets::Source::kSockDiag;
  json.begin_object();
  json.field("transport", name(socket.transport));
  json.field("family", is_unix ? "unix" : socket.ipv6_socket ? "ipv6" : "ipv4");
  json.field("state", state_word(socket));
  json.field("endpoint", row.local);
  write_address(json, "", socket.local);
  text_or_null(json, "remote", row.peer);
  write_address(json, "remote_", socket.peer);
  text_or_null(json, "interface", row.interface);
  const bool is_server = socket.peer.family == Family::kNone;
  field_or_null(json, "v6only", socket.ipv6_socket && is_server && diagnosed, socket.ipv6_only);
  const std::uint16_t port = socket.local.port;
  field_or_null(json, "range", !is_unix, name(port_range(port)));
  json.field("ephemeral", !is_unix && snapshot.ephemeral.contains(port));
  text_or_null(json, "iana_name", row.name);
  write_queues(json, socket, snapshot.source);
  field_or_null(json, "uid", socket.uid_known, socket.uid);
  text_or_null(json, "user", row.user);
  field_or_null(json, "inode", socket.inode != 0, socket.inode);
  json.field("ours", row.ours);
  text_or_null(json, "service", row.service);
  write_holders(json, row, snapshot);
  json.end_object();
}

}  // namespace

std::string ports_json(const Snapshot& snapshot, JsonWriter::Style style) {
  std::string text;
  JsonWriter json(text, style);
  json.begin_object();
  json.field("schema", 1);
  json.field("source", source_word(snapshot.source));
  json.field("shows_bound_tcp", snapshot.shows_bound_tcp);
  json.field("network_namespace", name(snapshot.network));
  json.field("pid_namespace", snapshot.first_pid_namespace ? "first" : "other");
  json.key("ephemeral_range");
  json.begin_array();
  json.value(snapshot.ephemeral.low);
  json.value(snapshot.ephemeral.high);
  json.end_array();
  json.key("sockets");
  json.begin_array();
  for (const std::vector<PortRow>* const rows : {&snapshot.servers, &snapshot.connections}) {
    for (const PortRow& row : *rows)
      write_row(json, row, snapshot);
  }
  json.end_array();
  json.end_object();
  return text;
}

}  // namespace polyport
