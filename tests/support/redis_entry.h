// Answers of Redis, made by hand.
#pragma once

#include <string>
#include <vector>

#include "services/chat/redis_reply.h"

namespace polyport::test {

using services::chat::RedisReply;

inline RedisReply redis_text(std::string value) {
  return {.kind = RedisReply::Kind::kText, .text = std::move(value)};
}

// An entry of a stream: {id, {field, value, …}}
inline RedisReply redis_entry(std::string id, const std::vector<std::string>& fields) {
  RedisReply list{.kind = RedisReply::Kind::kList};
  for (const std::string& field : fields)
    list.list.push_back(redis_text(field));
  return {.kind = RedisReply::Kind::kList, .list = {redis_text(std::move(id)), std::move(list)}};
}

}  // namespace polyport::test
