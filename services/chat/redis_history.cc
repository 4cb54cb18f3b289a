// RedisBackplane: the history of rooms, from their streams; apart, what this process has seen.
#include <algorithm>

#include "core/base/text.h"
#include "services/chat/redis_backplane.h"
#include "services/chat/redis_page.h"

namespace polyport::services::chat {
namespace {

using Which = HistoryQuestion::Which;

// All that has a final id is before it.
bool is_before_provisional(const HistoryQuestion& question) {
  return question.which == Which::kBefore && question.id.is_provisional();
}

}  // namespace

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
    const std::uint64_t number = question.id.number;
    const auto known = std::find_if(renumbered_.begin(), renumbered_.end(),
                                    [&](const auto& each) { return each.first == number; });
    if (known != renumbered_.end()) {
      question.id = known->second;
    } else if (question.which == Which::kAfter || outbox_.find_provisional(number) == nullptr) {
      question.which = Which::kLast;  // of a process that is no more, or not long enough here
    }
  }
  if (state_ == State::kApart) return answer(local_page(question));
  if (state_ == State::kConnecting) return waiting_.push_back({question, std::move(answer), {}});
  const RedisRange range = redis_range(question, position_);
  pending_.push_back({std::move(question), std::move(answer), {}});
  commands_->command(std::array<std::string_view, 6>{"XREVRANGE", range.key, range.end, range.begin,
                                                     "COUNT", range.count},
                     [this, pending = std::prev(pending_.end())](const Reply& reply) {
                       if (!is_trouble(reply)) hear_history(pending, reply);
                     });
}

void RedisBackplane::hear_history(std::list<Pending>::iterator at, const Reply& reply) {
  const Pending pending = std::move(*at);
  pending_.erase(at);
  Page page = redis_page(pending.question, reply, memory_.oldest_ms());
  if (pending.question.which != Which::kBefore || is_before_provisional(pending.question)) {
    add_since(page, pending.question, pending.since);
  }
  add_provisional(pending.question, page);
  keep_newest(page, pending.question.most);
  pending.answer(std::move(page));
}

// What is shown here already and has no final id yet.
void RedisBackplane::add_provisional(const HistoryQuestion& question, Page& page) {
  if (question.which == Which::kBefore && !question.id.is_provisional()) return;
  for (const RedisOutbox::Unsent& unsent : outbox_.all()) {
    if (is_before_provisional(question) && unsent.provisional >= question.id.number) return;
    if (unsent.provisional != 0 && unsent.message &&
        equals_ignoring_case(unsent.message->room, question.room)) {
      page.messages.push_back(*unsent.message);
    }
  }
}

// What this process has seen; Redis may have more.
Page RedisBackplane::local_page(HistoryQuestion question) {
  const HistoryQuestion asked = question;
  if (is_before_provisional(question)) question.which = Which::kLast;
  Page page = memory_.page(question);
  page.more = page.more || (options_.history.messages > 0 && memory_.may_lack(question));
  add_provisional(asked, page);
  keep_newest(page, question.most);
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
