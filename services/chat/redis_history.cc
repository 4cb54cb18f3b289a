// RedisBackplane: the history of rooms, from their streams; apart, what this process has seen.
#include <algorithm>
#include <limits>

#include "core/base/text.h"
#include "services/chat/redis_backplane.h"

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

bool RedisBackplane::is_too_old(const Message& message) const {
  const std::uint64_t age = options_.history.age_ms;
  return age != 0 && message.time_ms + age < clock_.wall_ms();
}

void RedisBackplane::append(const Message& message, Kept kept) {
  if (message.id.is_provisional()) {
    RedisOutbox::Unsent* unsent = outbox_.find_provisional(message.id.number);
    if (unsent != nullptr) unsent->kept = std::move(kept);
    return;
  }
  memory_.append(message, {});
  for (Pending& pending : pending_) {
    if (equals_ignoring_case(pending.question.room, message.room)) pending.since.push_back(message);
  }
  if (kept) kept(message, true);  // the id came from there
}

void RedisBackplane::read(const HistoryQuestion& asked, std::function<void(Page)> answer) {
  HistoryQuestion question = asked;
  if (question.which != Which::kLast && question.id.is_provisional()) {
    const auto known = std::find_if(renumbered_.begin(), renumbered_.end(), [&](const auto& each) {
      return each.first == question.id.number;
    });
    if (known != renumbered_.end()) {
      question.id = known->second;
    } else {
      question.which = Which::kLast;  // of a process that is no more, or not long enough here
    }
  }
  if (state_ == State::kApart) return answer(local_page(question));
  if (state_ == State::kConnecting) return waiting_.push_back({question, std::move(answer), {}});
  const std::string key = redis_room_key(question.room);
  const std::string count = std::to_string(question.most + 1);
  const std::string end =
      question.which == Which::kBefore ? redis_id_text(before(question.id)) : "+";
  const std::string begin =
      question.which == Which::kAfter ? redis_id_text(after(question.id)) : "-";
  pending_.push_back({std::move(question), std::move(answer), {}});
  commands_->command(std::array<std::string_view, 6>{"XREVRANGE", key, end, begin, "COUNT", count},
                     [this, pending = std::prev(pending_.end())](const Reply& reply) {
                       if (!is_trouble(reply)) hear_history(pending, reply);
                     });
}

void RedisBackplane::hear_history(std::list<Pending>::iterator at, const Reply& reply) {
  Pending pending = std::move(*at);
  pending_.erase(at);
  Page page;
  for (auto each = reply.list.rbegin(); each != reply.list.rend(); ++each) {
    auto entry = parse_redis_entry(*each);
    if (!entry || entry->type != RedisEntry::Type::kMessage || is_too_old(entry->message)) continue;
    // What the wire has still to bring is told by then: it must not be told twice.
    if (entry->id <= position_) page.messages.push_back(std::move(entry->message));
  }
  if (pending.question.which != Which::kBefore) {
    for (Message& message : pending.since) {
      if (page.messages.empty() || page.messages.back().id < message.id) {
        page.messages.push_back(std::move(message));
      }
    }
    add_provisional(pending.question, page);
  }
  if (page.messages.size() > pending.question.most) {
    page.more = true;
    page.messages.erase(page.messages.begin(),
                        page.messages.end() - static_cast<std::ptrdiff_t>(pending.question.most));
  }
  pending.answer(std::move(page));
}

// What is shown here already and has no final id yet.
void RedisBackplane::add_provisional(const HistoryQuestion& question, Page& page) {
  for (const RedisOutbox::Unsent& unsent : outbox_.all()) {
    if (unsent.provisional != 0 && unsent.message &&
        equals_ignoring_case(unsent.message->room, question.room)) {
      page.messages.push_back(*unsent.message);
    }
  }
}

Page RedisBackplane::local_page(const HistoryQuestion& question) {
  Page page;
  memory_.read(question, [&page](Page found) { page = std::move(found); });
  if (question.which == Which::kBefore) return page;
  add_provisional(question, page);
  if (page.messages.size() > question.most) {
    page.more = true;
    page.messages.erase(page.messages.begin(),
                        page.messages.end() - static_cast<std::ptrdiff_t>(question.most));
  }
  return page;
}

// Whoever has no answer yet: by Redis, or from here, or when that is known.
void RedisBackplane::ask_again() {
  std::vector<Pending> all = std::exchange(waiting_, {});
  for (Pending& pending : std::exchange(pending_, {}))
    all.push_back(std::move(pending));
  for (Pending& pending : all)
    read(pending.question, std::move(pending.answer));
}

}  // namespace polyport::services::chat
