// What is wrong with Redis, in words: what happened, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace polyport::services::chat {

struct RedisTrouble {
  enum class Kind : std::uint8_t { kAny, kTooLarge };

  std::string what;        // "the Redis at 127.0.0.1:6379 refuses the password"
  std::string hint;        // may be empty
  Kind kind = Kind::kAny;  // kTooLarge: an answer had more bytes than are taken

  std::string text() const { return hint.empty() ? what : what + " (" + hint + ")"; }
};

// Of an error that Redis answered: "WRONGPASS invalid username-password pair". `place` as
// RedisAddress::place().
RedisTrouble trouble_of_answer(std::string_view answer, std::string_view place);
// Bytes came that no Redis sends. `detail` is for people.
RedisTrouble trouble_of_protocol(std::string_view detail, std::string_view place);

}  // namespace polyport::services::chat
