#include "services/http/tls_json.h"

#include "core/net/tls.h"

namespace polyport::services::http {

namespace {

void write_text_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
  json.key(name);
  if (text.empty()) {
    json.value(nullptr);
  } else {
    json.value(text);
  }
}

void write(JsonWriter& json, const TlsClientCertificate& client) {
  json.begin_object();
  json.field("subject", client.subject);
  json.field("issuer", client.issuer);
  json.field("serial", client.serial);
  json.field("fingerprint_sha256", client.fingerprint);
  json.field("valid_from", client.valid_from);
  json.field("valid_until", client.valid_until);
  json.key("names");
  json.begin_array();
  for (const std::string& name : client.names)
    json.value(name);
  json.end_array();
  json.field("verified", client.verified);
  write_text_or_null(json, "problem", client.problem);
  json.end_object();
}

}  // namespace

void write_tls(JsonWriter& json, const Connection& connection) {
  const auto tls = tls_info(connection);
  if (!tls) return json.value(nullptr);
  json.begin_object();
  json.field("version", tls->version);
  json.field("cipher", tls->cipher);
  write_text_or_null(json, "server_name", tls->server_name);
  write_text_or_null(json, "alpn", tls->alpn);
  json.field("resumed", tls->resumed);
  json.key("client_certificate");
  if (tls->client) {
    write(json, *tls->client);
  } else {
    json.value(nullptr);
  }
  json.end_object();
}

void write_client_certificate(JsonWriter& json, const Connection& connection) {
  if (!is_encrypted(connection)) return;
  const auto tls = tls_info(connection);
  if (!tls || !tls->client) return;
  json.key("client_certificate");
  write(json, *tls->client);
}

}  // namespace polyport::services::http
