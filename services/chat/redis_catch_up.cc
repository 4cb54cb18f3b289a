// RedisBackplane: what is shown late, and a part at a time: what it missed, and what waits when
// Redis is away.
#include <algorithm>

#include "core/base/text.h"
#include "services/chat/redis_backplane.h"

namespace polyport::services::chat {
namespace {

// With 0 it would be the same turn of the loop, in which nothing is written.
constexpr std::chrono::milliseconds kSoon{1};

}  // namespace

// The wire does not go back as far as this process was away: the histories of its rooms do.
void RedisBackplane::fetch_missed(MessageId last, std::uint64_t count) {
  std::vector<std::string> rooms;
  hub_->for_each_room([&](const Room& room) { rooms.push_back(to_lower(room.name)); });
  missed_ = std::make_unique<RedisMissed>(position_, last, count, std::move(rooms));
  ask_for_missed();
}

void RedisBackplane::ask_for_missed() {
  const std::vector<std::string> rooms = missed_->next_rooms();
  if (rooms.empty()) return show_missed();
  const std::string from = redis_id_text(missed_->since()), to = redis_id_text(missed_->last());
  const std::string most = std::to_string(HistoryQuestion::kMost);
  for (const std::string& room : rooms) {
    const std::string key = redis_room_key(room);
    commands_->command(std::array<std::string_view, 6>{"XREVRANGE", key, to, from, "COUNT", most},
                       [this](const Reply& reply) {
                         if (is_trouble(reply) || !missed_->take(reply)) return;
                         ask_for_missed();
                       });
  }
}

void RedisBackplane::show_missed() {
  RedisRound round;
  while (!round.is_over()) {
    const auto entry = missed_->next();
    if (!entry) {
      position_ = missed_->last();
      count_ = missed_->count();
      missed_.reset();
      return join_up();
    }
    round.add(entry->message);
    position_ = entry->id;
    count_ = 0;  // where this ends here, the next time goes on behind it
    apply(*entry);
  }
  show_missed_->start(kSoon);
}

// Those that are shown stand before those that are not.
void RedisBackplane::show_waiting() {
  auto& all = outbox_.all();
  auto next = std::partition_point(all.begin(), all.end(), [](const RedisOutbox::Unsent& unsent) {
    return unsent.provisional != 0;
  });
  RedisRound round;
  for (; next != all.end(); ++next) {
    if (round.is_over()) return show_waiting_->start(kSoon);
    show_provisionally(*next);
    if (next->message) round.add(*next->message);
  }
}

}  // namespace polyport::services::chat
