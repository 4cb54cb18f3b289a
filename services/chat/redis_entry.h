// What stands in the streams and hashes that the processes of a chat share, written and read.
//
// Anybody who can write to that Redis may have put anything there: whatever is not exactly what
// this chat writes is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/chat/member.h"
#include "services/chat/message.h"
#include "services/chat/redis_reply.h"

namespace polyport::services::chat {

// A member, whatever its name is by now: its process, and its number there.
using RedisKey = std::pair<std::string, std::uint64_t>;

// A member of another process.
struct RedisRecord {
  std::string nick = {};
  std::string door = {};  // "line", "web", "irc"
  std::uint16_t port = 0;
  std::string address = {};
  std::string host = {};  // of its process, as people know it
  std::vector<std::string> rooms = {};

  std::string text() const;
  static std::optional<RedisRecord> parse(std::string_view text);
};

// One entry of the wire.
struct RedisEntry {
  enum class Type : std::uint8_t {
    kHello,    // nothing to do
    kMessage,  // node, sequence, message
    kPrivate,  // node, sequence, who, to, message (its room is empty)
    kTopic,    // node, sequence, room, nick (by whom), text
    kKick,     // the same, and who, to
    kMute,     // node, sequence, who, to, on
    kMember,   // node, who, record, text: why
    kGone,     // node, who, text: why
    kLost      // node, text: why
  };

  Type type = Type::kHello;
  MessageId id = {};
  std::string node = {};
  std::uint64_t sequence = 0;  // of that node, for what it must not say twice
  RedisKey who = {};           // whom it is about, or for
  std::string to = {};         // what that one was called
  Message message = {};
  RedisRecord record = {};
  std::string room = {};
  std::string nick = {};
  std::string text = {};
  bool on = false;
};

// "MS-N" of any entry, a foreign one too; nothing where even that is none.
std::optional<MessageId> redis_id(const RedisReply& entry);
// "0-0" of none, which is before all; never "local-N".
std::string redis_id_text(MessageId id);
// What every entry of this chat says of itself, also one of a later version, or one whose text may
// not be shown. All 0 where it names no process.
struct RedisStamp {
  std::uint64_t count = 0;     // one more than that of the entry before it; 0: not of the wire
  std::string_view node = {};  // a view of the entry
  std::uint64_t sequence = 0;  // of that node, for what it must not say twice; 0: it has none
};
RedisStamp redis_stamp(const RedisReply& entry);
// Nothing where it is no entry of this chat.
std::optional<RedisEntry> parse_redis_entry(const RedisReply& entry);

// The fields and values of an entry, for the script that adds it.
using RedisFields = std::vector<std::string>;
RedisFields fields_of_message(std::string_view node, std::uint64_t sequence,
                              const Message& message);
RedisFields fields_of_private(std::string_view node, std::uint64_t sequence, const Message& message,
                              const RedisKey& who, std::string_view to);
RedisFields fields_of_topic(std::string_view node, std::uint64_t sequence, std::string_view room,
                            std::string_view by, std::string_view text);
RedisFields fields_of_kick(std::string_view node, std::uint64_t sequence, std::string_view room,
                           std::string_view by, const RedisKey& who, std::string_view to,
                           std::string_view why);
RedisFields fields_of_mute(std::string_view node, std::uint64_t sequence, const RedisKey& who,
                           std::string_view to, bool on);

// The topic of a room as `topics` keeps it.
struct RedisTopic {
  std::string room;
  std::string by;
  std::uint64_t ms = 0;
  std::string text;

  std::string line() const;  // "MS BY ROOM TEXT"
  static std::optional<RedisTopic> parse(std::string_view line);
};

// Sixteen hexadecimal digits.
bool is_node(std::string_view text);

}  // namespace polyport::services::chat
