// What is known of a connection's TLS, as JSON.
#pragma once

#include "core/base/json_writer.h"
#include "core/net/connection.h"

namespace polyport::services::http {

// Version, cipher, names and the client's certificate as one object; null where there is no TLS.
void write_tls(JsonWriter& json, const Connection& connection);
// The field client_certificate, where the client has shown one.
void write_client_certificate(JsonWriter& json, const Connection& connection);

}  // namespace polyport::services::http
