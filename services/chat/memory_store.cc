#include "services/chat/memory_store.h"

#include <algorithm>

#include "core/base/text.h"
#include "services/chat/clock.h"

namespace polyport::services::chat {
namespace {

std::size_t cost(const Message& message) {
  return sizeof message + message.room.size() + message.nick.size() + message.text.size();
}

}  // namespace

bool MemoryStore::too_old(const Message& message) const {
  return limits_.age_ms != 0 && message.time_ms + limits_.age_ms < clock_.wall_ms();
}

void MemoryStore::drop_oldest(Messages& messages) {
  bytes_ -= cost(messages.front());
  messages.pop_front();
}

void MemoryStore::append(const Message& message, std::function<void(bool)> kept) {
  if (limits_.messages != 0) {
    Messages& messages = rooms_[to_lower(message.room)];
    messages.push_back(message);
    bytes_ += cost(message);
    while (messages.size() > limits_.messages || too_old(messages.front())) {
      drop_oldest(messages);
      if (messages.empty()) break;
    }
    if (messages.empty()) rooms_.erase(to_lower(message.room));
    make_room();
  }
  if (kept) kept(true);
}

// A walk over all rooms (max_rooms at most) where a limit is reached, and only then.
void MemoryStore::make_room() {
  while (!rooms_.empty() && (rooms_.size() > limits_.rooms || bytes_ > limits_.bytes)) {
    const bool rooms = rooms_.size() > limits_.rooms;
    const auto older = [rooms](const auto& left, const auto& right) {
      return rooms ? left.second.back().time_ms < right.second.back().time_ms
                   : left.second.front().time_ms < right.second.front().time_ms;
    };
    const auto oldest = std::min_element(rooms_.begin(), rooms_.end(), older);
    do {
      drop_oldest(oldest->second);
    } while (rooms && !oldest->second.empty());
    if (oldest->second.empty()) rooms_.erase(oldest);
  }
}

void MemoryStore::read(const HistoryQuestion& question, std::function<void(Page)> answer) {
  Page page;
  const auto found = rooms_.find(to_lower(question.room));
  if (found != rooms_.end()) {
    Messages& messages = found->second;
    while (!messages.empty() && too_old(messages.front()))
      drop_oldest(messages);
    const auto by_id = [](const Message& message, const MessageId& id) { return message.id < id; };
    auto first = messages.begin(), last = messages.end();
    if (question.which == HistoryQuestion::Which::kBefore) {
      last = std::lower_bound(first, last, question.id, by_id);
    } else if (question.which == HistoryQuestion::Which::kAfter) {
      first = std::lower_bound(first, last, question.id, by_id);
      if (first != last && first->id == question.id) ++first;
    }
    const auto most = static_cast<std::ptrdiff_t>(question.most);
    page.more = last - first > most;
    // Who was away long wants the newest; what is missing between is a question of its own.
    page.messages.assign(last - std::min(most, last - first), last);
    if (messages.empty()) rooms_.erase(found);
  }
  answer(std::move(page));
}

}  // namespace polyport::services::chat
