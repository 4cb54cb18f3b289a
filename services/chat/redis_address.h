// Where the Redis of a chat is, and how to come in: "redis://[user[:password]@]host[:port][/db]" or
// "unix:/path[?db=N]".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport::services::chat {

struct RedisAddress {
  std::string host = {};  // as Endpoint keeps it: no brackets, a name in lower case
  std::uint16_t port = 6379;
  std::string path = {};  // of a unix socket; host is empty then
  std::string user = {};  // empty: Redis' default user
  std::string password = {};
  int db = 0;

  // As it may be shown: without user and password.
  std::string text() const;
  std::string place() const;  // "redis.example:6379", "[::1]:6379", "/run/redis.sock"
};

// No message repeats what may hold a password. The places are left empty for the caller to fill.
Result<RedisAddress> parse_redis_address(std::string_view text);

}  // namespace polyport::services::chat
