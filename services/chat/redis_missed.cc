#include "services/chat/redis_missed.h"

#include <algorithm>
#include <iterator>

namespace polyport::services::chat {
namespace {

std::size_t bytes_of(const RedisEntry& entry) {
  return sizeof entry + entry.message.room.size() + entry.message.nick.size() +
         entry.message.text.size();
}

}  // namespace

std::vector<std::string> RedisMissed::next_rooms() {
  const auto first =
      rooms_.end() - static_cast<std::ptrdiff_t>(std::min(rooms_.size(), kRoomsAtOnce));
  std::vector<std::string> rooms(std::make_move_iterator(first),
                                 std::make_move_iterator(rooms_.end()));
  rooms_.erase(first, rooms_.end());
  open_ = rooms.size();
  return rooms;
}

bool RedisMissed::take(const RedisReply& answer) {
  for (const RedisReply& each : answer.list) {
    auto entry = parse_redis_entry(each);
    if (entry && entry->type == RedisEntry::Type::kMessage) add(std::move(*entry));
  }
  return --open_ == 0;
}

// Another program may have put anything there, also one id in two rooms.
void RedisMissed::add(RedisEntry entry) {
  if (entry.id <= since_ || last_ < entry.id) return;
  const std::size_t bytes = bytes_of(entry);
  if (!entries_.emplace(entry.id, std::move(entry)).second) return;
  bytes_ += bytes;
  while (bytes_ > kMostBytes) {
    bytes_ -= bytes_of(entries_.begin()->second);
    entries_.erase(entries_.begin());
  }
}

std::optional<RedisEntry> RedisMissed::next() {
  if (entries_.empty()) return std::nullopt;
  auto first = entries_.extract(entries_.begin());
  bytes_ -= bytes_of(first.mapped());
  return std::move(first.mapped());
}

}  // namespace polyport::services::chat
