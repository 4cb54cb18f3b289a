#include "services/chat/memory_store.h"

#include <algorithm>

#include "core/base/text.h"
#include "services/chat/clock.h"

namespace polyport::services::chat {

std::uint64_t MemoryStore::oldest_ms() const {
  const std::uint64_t now = clock_.wall_ms();
  return limits_.age_ms == 0 || now < limits_.age_ms ? 0 : now - limits_.age_ms;
}

bool MemoryStore::too_old(const Message& message) const {
  return message.time_ms < oldest_ms();
}

void MemoryStore::drop_oldest(Messages& messages) {
  messages.cut = messages.cut || !too_old(messages.all.front());
  bytes_ -= cost(messages.all.front());
  messages.all.pop_front();
}

void MemoryStore::append(const Message& message, Kept kept) {
  if (limits_.messages == 0) {
    others_cut_ = true;
  } else {
    const std::string key = to_lower(message.room);
    Messages& messages = rooms_.try_emplace(key, Messages{{}, others_cut_}).first->second;
    messages.all.push_back(message);
    bytes_ += cost(message);
    while (messages.all.size() > limits_.messages || too_old(messages.all.front())) {
      drop_oldest(messages);
      if (messages.all.empty()) break;
    }
    if (messages.all.empty()) rooms_.erase(key);
    make_room();
  }
  if (kept) kept(message, true);
}

// A walk over all rooms (max_rooms at most) where a limit is reached, and only then.
void MemoryStore::make_room() {
  while (!rooms_.empty() && (rooms_.size() > limits_.rooms || bytes_ > limits_.bytes)) {
    const bool rooms = rooms_.size() > limits_.rooms;
    const auto older = [rooms](const auto& left, const auto& right) {
      return rooms ? left.second.all.back().time_ms < right.second.all.back().time_ms
                   : left.second.all.front().time_ms < right.second.all.front().time_ms;
    };
    const auto oldest = std::min_element(rooms_.begin(), rooms_.end(), older);
    do {
      drop_oldest(oldest->second);
    } while (rooms && !oldest->second.all.empty());
    if (!oldest->second.all.empty()) continue;
    others_cut_ = others_cut_ || oldest->second.cut;
    rooms_.erase(oldest);
  }
}

void MemoryStore::read(const HistoryQuestion& question, std::function<void(Page)> answer) {
  answer(page(question));
}

Page MemoryStore::page(const HistoryQuestion& question) {
  Page page;
  const auto found = rooms_.find(to_lower(question.room));
  if (found == rooms_.end()) return page;
  std::deque<Message>& messages = found->second.all;
  while (!messages.empty() && too_old(messages.front()))
    drop_oldest(found->second);
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
  return page;
}

bool MemoryStore::may_lack(const HistoryQuestion& question) const {
  const auto found = rooms_.find(to_lower(question.room));
  if (found == rooms_.end()) return others_cut_;
  const bool reaches = question.which == HistoryQuestion::Which::kAfter &&
                       found->second.all.front().id <= question.id;
  return found->second.cut && !reaches;
}

void MemoryStore::mark_cut(const std::string& room) {
  const auto found = rooms_.find(to_lower(room));
  if (found == rooms_.end()) {
    others_cut_ = true;
  } else {
    found->second.cut = true;
  }
}

}  // namespace polyport::services::chat
