// JSON Web Tokens (RFC 7519), taken apart so that a client can see what it sent. Nothing is
// verified.
#pragma once

#include <optional>
#include <string>

#include "core/base/json_writer.h"
#include "core/http/handler.h"

namespace polyport::services::http {

struct Jwt {
  std::string header;  // both are JSON objects
  std::string payload;
  std::string signature;  // as sent
};

// "header.payload.signature" in base64url; nothing where it is none.
std::optional<Jwt> parse_jwt(Bytes token);

// Writes "jwt": {"header", "payload", "signature", "verified": false} where the request carries one
// as "Authorization: Bearer".
void write_jwt(JsonWriter& json, const polyport::http::Request& request);

// The token of "Authorization: Bearer TOKEN"; empty where there is none.
Bytes bearer_token(const polyport::http::Request& request);

}  // namespace polyport::services::http
