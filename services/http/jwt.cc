#include "services/http/jwt.h"

#include "core/base/json_value.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/characters.h"

namespace polyport::services::http {
namespace {

// A JSON object of bounded depth, so that it can stand in an answer.
std::optional<std::string> decoded_object(Bytes part) {
  auto text = polyport::http::decode_base64(part);
  if (!text) return std::nullopt;
  const auto value = JsonValue::parse(*text);
  if (!value || value->kind() != JsonValue::Kind::kObject) return std::nullopt;
  return text;
}

}  // namespace

std::optional<Jwt> parse_jwt(Bytes token) {
  const auto parts = split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  auto header = decoded_object(parts[0]);
  auto payload = decoded_object(parts[1]);
  if (!header || !payload) return std::nullopt;
  return Jwt{std::move(*header), std::move(*payload), std::string(parts[2])};
}

Bytes bearer_token(const polyport::http::Request& request) {
  constexpr Bytes kScheme = "Bearer ";
  const Bytes value = request.value("Authorization");
  if (value.size() <= kScheme.size() ||
      !equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
    return {};
  }
  const Bytes token = polyport::http::trim_blanks(value.substr(kScheme.size()));
  return token.find_first_of(" \t") == Bytes::npos ? token : Bytes{};
}

void write_jwt(JsonWriter& json, const polyport::http::Request& request) {
  const auto jwt = parse_jwt(bearer_token(request));
  if (!jwt) return;
  json.key("jwt");
  json.begin_object();
  json.key("header");
  json.raw(jwt->header);
  json.key("payload");
  json.raw(jwt->payload);
  json.field("signature", jwt->signature);
  json.field("verified", false);
  json.end_object();
}

}  // namespace polyport::services::http
