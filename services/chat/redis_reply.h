// What Redis answers, without the library that read it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polyport::services::chat {

struct RedisReply {
  enum class Kind : std::uint8_t { kNil, kText, kInteger, kError, kList };

  Kind kind = Kind::kNil;
  std::string text = {};  // kText, kError
  std::int64_t integer = 0;
  std::vector<RedisReply> list = {};

  bool is_error() const { return kind == Kind::kError; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_text() const { return kind == Kind::kText; }
};

}  // namespace polyport::services::chat
