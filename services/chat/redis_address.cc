#include "services/chat/redis_address.h"

#include <optional>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/url.h"
#include "core/ports/endpoint.h"

namespace polyport::services::chat {
namespace {

constexpr int kMostDb = 1'000'000;
constexpr std::string_view kHint = "write redis://host:6379/0, or unix:/path/of/the/socket";

tl::unexpected<Error> wrong(std::string what, std::string_view hint = kHint) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::string(hint));
}

// RFC 3986 section 2.1. Nothing where a '%' is not followed by two digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 1)) {
    const std::string_view digits = text.substr(at + 1, 2);
    if (digits.size() < 2 || !http::all(http::kHexDigit, digits)) return std::nullopt;
  }
  return http::percent_decode(text);
}

Result<int> parse_db(std::string_view text) {
  const auto db = parse_number<int>(text, 0, kMostDb);
  if (!db) {
    return wrong("the database " + quoted(text, 40) + " is no number",
                 "Redis numbers its databases, 0 to 15 where nothing else is set");
  }
  return *db;
}

Result<RedisAddress> parse_unix(std::string_view rest) {
  RedisAddress address;
  if (rest.starts_with("//")) rest.remove_prefix(2);
  const std::size_t question = rest.find('?');
  if (question != std::string_view::npos) {
    const std::string_view query = rest.substr(question + 1);
    if (!query.starts_with("db=")) return wrong("only ?db=N may follow the path of a unix socket");
    auto db = parse_db(query.substr(3));
    if (!db) return tl::unexpected(std::move(db.error()));
    address.db = *db;
    rest = rest.substr(0, question);
  }
  if (!rest.starts_with('/')) return wrong("the path of the unix socket does not begin with a /");
  if (rest.size() > 107) return wrong("the path of the unix socket is longer than 107 bytes");
  address.path = rest;
  return address;
}

// "user:password@"
Result<void> parse_user(std::string_view text, RedisAddress& address) {
  const std::size_t colon = text.find(':');
  const auto user = percent_decoded(text.substr(0, colon));
  const auto password = percent_decoded(colon == std::string_view::npos ? std::string_view()
                                                                        : text.substr(colon + 1));
  if (!user || !password) {
    return wrong("a % in the user or the password is not followed by two hexadecimal digits",
                 "write a % itself as %25; or use backplane_password, which is taken as it is");
  }
  address.user = *user;
  address.password = *password;
  return {};
}

}  // namespace

std::string RedisAddress::place() const {
  if (!path.empty()) return path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string RedisAddress::text() const {
  if (!path.empty()) return "unix:" + path + (db == 0 ? "" : "?db=" + std::to_string(db));
  return "redis://" + place() + "/" + std::to_string(db);
}

Result<RedisAddress> parse_redis_address(std::string_view text) {
  if (text.starts_with("unix:")) return parse_unix(text.substr(5));
  if (text.starts_with("rediss:")) {
    return wrong("TLS to Redis is not spoken here",
                 "put stunnel or a forward with TLS between, or use a unix socket");
  }
  constexpr std::string_view kScheme = "redis://";
  if (!text.starts_with(kScheme)) return wrong("it does not begin with redis:// or unix:");
  std::string_view rest = text.substr(kScheme.size());
  RedisAddress address;
  const std::size_t slash =
      rest.find('/', rest.rfind('@') == std::string_view::npos ? 0 : rest.rfind('@'));
  if (slash != std::string_view::npos) {
    const std::string_view db = rest.substr(slash + 1);
    if (!db.empty()) {
      auto number = parse_db(db);
      if (!number) return tl::unexpected(std::move(number.error()));
      address.db = *number;
    }
    rest = rest.substr(0, slash);
  }
  const std::size_t at = rest.rfind('@');
  if (at != std::string_view::npos) {
    if (auto user = parse_user(rest.substr(0, at), address); !user) {
      return tl::unexpected(std::move(user.error()));
    }
    rest = rest.substr(at + 1);
  }
  if (rest.empty()) return wrong("it names no host");
  const bool has_port = rest.starts_with('[') ? rest.find("]:") != std::string_view::npos
                                              : rest.find(':') != std::string_view::npos;
  auto endpoint = parse_endpoint(std::string(rest) + (has_port ? "" : ":6379"));
  if (!endpoint) return wrong(endpoint.error().what, endpoint.error().hint);
  if (endpoint->transport != Transport::kTcp || endpoint->first_port != endpoint->last_port ||
      endpoint->first_port == 0 || endpoint->host == "*") {
    return wrong("it is not one host with one port");
  }
  address.host = endpoint->host;
  address.port = endpoint->first_port;
  return address;
}

}  // namespace polyport::services::chat
