#include "services/http/request_json.h"

#include "core/base/json_value.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/url.h"
#include "core/net/listener.h"
#include "core/ports/ranges.h"
#include "core/socket/socket.h"
#include "services/http/groups.h"
#include "services/http/jwt.h"
#include "services/http/tls_json.h"

namespace polyport::services::http {
namespace {

void write_end(JsonWriter& json, std::string_view key, const Address& address) {
  json.key(key);
  if (!address.is_ip()) {
    json.value(address.text());
    return;
  }
  json.begin_object();
  json.field("address", address.ip_text());
  json.field("port", address.port);
  json.field("range", name(port_range(address.port)));
  json.field("ephemeral_here", ephemeral_range().contains(address.port));
  json.end_object();
}

// "tcp": what the kernel measured; null on a unix socket.
void write_tcp(JsonWriter& json, const Connection& connection) {
  json.key("tcp");
  sock::TcpInfo info;
  if (!connection.tcp_info(info)) return json.value(nullptr);
  json.begin_object();
  json.field("state", info.state);
  json.field("rtt_us", info.rtt_us);
  json.field("rtt_variance_us", info.rtt_variance_us);
  json.field("congestion_window", info.congestion_window);
  json.field("send_mss", info.send_mss);
  json.field("receive_mss", info.receive_mss);
  json.field("path_mtu", info.path_mtu);
  json.field("retransmits", info.retransmits);
  json.field("unacknowledged", info.unacknowledged);
  json.field("lost", info.lost);
  json.end_object();
}

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kIPv4:
      return "ipv4";
    case Family::kIPv6:
      return "ipv6";
    case Family::kUnix:
      return "unix";
    case Family::kNone:
      break;
  }
  return "none";
}

}  // namespace

std::string request_json(const polyport::http::Request& request, const Connection& connection) {
  const Address peer = connection.peer();
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("method", request.method);
  json.field("version",
             "HTTP/" + std::to_string(request.major) + "." + std::to_string(request.minor));
  json.field("target", request.target);
  json.field("path", polyport::http::percent_decode(request.path));
  grouped_arguments(request.query).write(json, "args");
  grouped(request.headers).write(json, "headers");
  json.field("origin", peer.ip_text());
  json.field("port", peer.port);
  if (is_utf8(request.body)) {
    json.field("body", request.body);
  } else {
    json.field("body",
               "data:application/octet-stream;base64," + polyport::http::base64(request.body));
  }
  if (is_json(request.body)) {
    json.key("json");
    json.raw(request.body);
  }
  write_jwt(json, request);
  write_client_certificate(json, connection);
  json.end_object();
  out += '\n';
  return out;
}

std::string socket_json(const Connection& connection) {
  const Address peer = connection.peer();
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("id", text(connection.id()));
  json.field("transport", peer.is_ip() ? "tcp" : "unix");
  json.field("family", family_name(peer.family));
  write_end(json, "client", peer);
  write_end(json, "server", connection.local());
  json.field("listener", connection.listener().id());
  json.field("requests", connection.requests());
  json.field("age_ms", connection.age().count());
  json.field("bytes_in", connection.bytes_in());
  json.field("bytes_out", connection.bytes_out());
  write_tcp(json, connection);
  json.key("tls");
  write_tls(json, connection);
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace polyport::services::http
