// What of an answer is sent at once: history is long, and a member for whom more waits than
// max_unread is out. So nobody who asks is shown out by the answer.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "services/chat/message.h"

namespace polyport::services::chat {

struct Shown {
  std::span<const Message> messages;
  bool more = false;  // there are older ones
};

// What somebody hears who asks on without reading.
inline constexpr std::string_view kUnreadAnswers =
    "not now: too much of what you asked for before waits for you unread";

// Half of what may wait for a member: the other half is for what is said meanwhile.
constexpr std::size_t answer_bytes(std::size_t unread_bytes) {
  return unread_bytes / 2;
}

// The newest messages of `page` that take about `bytes` at most, and one in any case, so that who
// asks page by page gets on. Valid as long as `page` is.
inline Shown fitting(const Page& page, std::size_t bytes) {
  constexpr std::size_t kAround = 128;  // names, an id, what a door's grammar needs
  std::size_t first = page.messages.size();
  while (first > 0) {
    const Message& message = page.messages[first - 1];
    const std::size_t cost = message.text.size() + message.nick.size() + kAround;
    if (cost > bytes && first < page.messages.size()) break;
    bytes -= std::min(cost, bytes);
    --first;
  }
  return {std::span(page.messages).subspan(first), page.more || first > 0};
}

}  // namespace polyport::services::chat
