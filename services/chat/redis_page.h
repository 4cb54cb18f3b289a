// Questions about history, as Redis is asked them and as it answers.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "services/chat/redis_reply.h"
#include "services/chat/store.h"

namespace polyport::services::chat {

// What XREVRANGE is given.
struct RedisRange {
  std::string key;
  std::string end;
  std::string begin;
  std::string count;  // one more than is wanted, which tells whether there are more
};
// Up to `read`, where the wire has been read to: what comes after that everybody here has still to
// hear, and must not hear twice.
RedisRange redis_range(const HistoryQuestion& question, MessageId read);

// Its answer. What was said before `oldest_ms` is too old to be shown. There may be one message
// more than was asked for: what is newer is still to be added, and then keep_newest().
Page redis_page(const HistoryQuestion& question, const RedisReply& answer, std::uint64_t oldest_ms);
// What has been heard of that room since Redis was asked.
void add_since(Page& page, const HistoryQuestion& question, std::span<const Message> since);

}  // namespace polyport::services::chat
