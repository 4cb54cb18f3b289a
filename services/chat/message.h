// What is said in a room, and the ids that order it.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace polyport::services::chat {

// "1764075600000-0": milliseconds of wall clock and a number among those of one millisecond, which
// is the form of Redis' stream ids. Final ids rise within a room, and that order is the order of
// its messages for everybody. While a shared history is out of reach messages get provisional ids,
// "local-1"; they order nothing and are replaced (Event::Kind::kRenumbered).
struct MessageId {
  std::uint64_t ms = 0;  // 0: provisional
  std::uint64_t number = 0;

  static MessageId provisional(std::uint64_t number) { return {0, number}; }
  bool is_provisional() const { return ms == 0; }
  auto operator<=>(const MessageId&) const = default;

  std::string text() const;
  // Nothing where it is no id.
  static std::optional<MessageId> parse(std::string_view text);
};

// One message as history keeps it. The texts are clean: UTF-8 without control characters.
struct Message {
  enum class Kind : std::uint8_t {
    kSay,
    kAct,    // "/me"
    kNotice  // IRC's NOTICE: like kSay, but no program answers it
  };

  MessageId id = {};
  std::uint64_t time_ms = 0;  // wall clock; of a final id the same as its ms
  Kind kind = Kind::kSay;
  std::string room = {};
  std::string nick = {};
  std::string text = {};
};
std::string_view name(Message::Kind kind);  // "say", "act", "notice"
// What one costs in memory, about, in bytes.
std::size_t cost(const Message& message);

// A run of a room's messages, oldest first.
struct Page {
  std::vector<Message> messages;
  // There are older ones (a question for the last, or for those before an id), or newer ones and
  // perhaps a gap (a question for those after an id).
  bool more = false;
};
// Not more than `most` of them: the oldest go, and then there are more.
void keep_newest(Page& page, std::size_t most);

}  // namespace polyport::services::chat
