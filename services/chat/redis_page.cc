#include "services/chat/redis_page.h"

#include <algorithm>
#include <limits>

#include "services/chat/redis_entry.h"
#include "services/chat/redis_scripts.h"

namespace polyport::services::chat {
namespace {

using Which = HistoryQuestion::Which;

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

MessageId after(MessageId id) {
  return id.number == kMax ? MessageId{id.ms + 1, 0} : MessageId{id.ms, id.number + 1};
}
MessageId before(MessageId id) {
  if (id.number > 0) return {id.ms, id.number - 1};
  return {id.ms == 0 ? 0 : id.ms - 1, kMax};
}

}  // namespace

RedisRange redis_range(const HistoryQuestion& question, MessageId read) {
  const bool is_before = question.which == Which::kBefore && !question.id.is_provisional();
  const bool is_after = question.which == Which::kAfter;
  return {.key = redis_room_key(question.room),
          .end = redis_id_text(is_before ? std::min(before(question.id), read) : read),
          .begin = is_after ? redis_id_text(after(question.id)) : "-",
          .count = std::to_string(question.most + 1)};
}

Page redis_page(const HistoryQuestion& question, const RedisReply& answer,
                std::uint64_t oldest_ms) {
  Page page;
  const std::vector<RedisReply>& all = answer.list;  // the newest first
  for (auto each = all.rbegin(); each != all.rend(); ++each) {
    auto entry = parse_redis_entry(*each);
    const bool is_shown =
        entry && entry->type == RedisEntry::Type::kMessage && entry->message.time_ms >= oldest_ms;
    if (is_shown) page.messages.push_back(std::move(entry->message));
  }
  // Also where some of them are not of this chat: there may be more behind them.
  if (all.size() > question.most) {
    const auto oldest = redis_id(all.back());
    page.more = oldest && oldest->ms >= oldest_ms;
  }
  return page;
}

void add_since(Page& page, const HistoryQuestion& question, std::span<const Message> since) {
  for (const Message& message : since) {
    if (question.which == Which::kAfter && message.id <= question.id) continue;
    if (page.messages.empty() || page.messages.back().id < message.id) {
      page.messages.push_back(message);
    }
  }
}

}  // namespace polyport::services::chat
