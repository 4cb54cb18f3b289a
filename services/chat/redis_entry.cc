#include "services/chat/redis_entry.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/names.h"

namespace polyport::services::chat {
namespace {

using Type = RedisEntry::Type;

// The largest that any process may be set to (options.cc).
constexpr std::size_t kMostNick = 32;
constexpr std::size_t kMostRoom = 64;
constexpr std::size_t kMostText = 64 * 1024;
constexpr std::size_t kMostAddress = 64;
constexpr std::size_t kMostRooms = 1'000;
constexpr std::size_t kMostFields = 2 * 10;
constexpr std::size_t kRecordLines = 6;

bool is_nick(std::string_view text) {
  return is_legal_nick(text, kMostNick);
}
bool is_room(std::string_view text) {
  return is_legal_room(text, kMostRoom);
}
// As a member may read it; empty is fine.
bool is_clean(std::string_view text, std::size_t most = kMostText) {
  if (text.size() > most) return false;
  const auto cleaned = clean(text);
  return cleaned && *cleaned == text;
}

// The fields of an entry, by name.
class Fields {
 public:
  explicit Fields(const RedisReply& list) : list_(list.list) {}
  // Names and values, and not more of them than an entry of this version has.
  bool has_form() const {
    return list_.size() % 2 == 0 && list_.size() <= kMostFields &&
           std::all_of(list_.begin(), list_.end(),
                       [](const RedisReply& each) { return each.is_text(); });
  }
  std::string_view operator[](std::string_view name) const {
    for (std::size_t i = 0; i + 1 < list_.size(); i += 2) {
      if (list_[i].text == name) return list_[i + 1].text;
    }
    return {};
  }
  std::optional<std::uint64_t> number(std::string_view name) const {
    return parse_number<std::uint64_t>((*this)[name], 1);
  }

 private:
  const std::vector<RedisReply>& list_;
};

std::optional<Message::Kind> kind_of(std::string_view word) {
  for (const auto kind : {Message::Kind::kSay, Message::Kind::kAct, Message::Kind::kNotice}) {
    if (name(kind) == word) return kind;
  }
  return std::nullopt;
}

// Each fills its part of `entry`; false where that is not as this chat writes it.
bool read_message(const Fields& fields, Message::Kind kind, RedisEntry& entry) {
  const std::string_view room = fields["room"], nick = fields["nick"], text = fields["text"];
  if (!is_room(room) || !is_nick(nick) || text.empty() || !is_clean(text)) return false;
  entry.message = {.id = entry.id,
                   .time_ms = entry.id.ms,
                   .kind = kind,
                   .room = std::string(room),
                   .nick = std::string(nick),
                   .text = std::string(text)};
  return true;
}

// Whom it is for. A name may be somebody else's by the time it is read.
bool read_who(const Fields& fields, RedisEntry& entry) {
  const auto number = fields.number("m");
  const std::string_view at = fields["at"];
  entry.to = fields["to"];
  if (!number || !is_node(at) || !is_nick(entry.to)) return false;
  entry.who = {std::string(at), *number};
  return true;
}

bool read_private(const Fields& fields, RedisEntry& entry) {
  const std::string_view from = fields["from"], text = fields["text"];
  const auto kind = kind_of(fields["kind"]);
  if (!kind || !is_nick(from) || text.empty() || !is_clean(text)) return false;
  if (!read_who(fields, entry)) return false;
  entry.message = {.id = {},
                   .time_ms = entry.id.ms,
                   .kind = *kind,
                   .room = {},
                   .nick = std::string(from),
                   .text = std::string(text)};
  return true;
}

bool read_room_event(const Fields& fields, RedisEntry& entry) {
  entry.room = fields["room"];
  entry.nick = fields["by"];
  entry.text = fields["text"];
  if (!is_room(entry.room) || !is_nick(entry.nick) || !is_clean(entry.text)) return false;
  return entry.type == Type::kTopic || read_who(fields, entry);
}

bool read_member(const Fields& fields, RedisEntry& entry) {
  const auto number = fields.number("m");
  entry.text = fields["why"];
  if (!number || !is_clean(entry.text)) return false;
  entry.who = {entry.node, *number};
  if (entry.type == Type::kGone) return true;
  auto record = RedisRecord::parse(fields["record"]);
  if (!record) return false;
  entry.record = std::move(*record);
  return true;
}

struct TypeName {
  std::string_view name;
  Type type;
  bool has_sequence;
};
constexpr std::array<TypeName, 8> kTypes = {{{"hello", Type::kHello, false},
                                             {"private", Type::kPrivate, true},
                                             {"topic", Type::kTopic, true},
                                             {"kick", Type::kKick, true},
                                             {"mute", Type::kMute, true},
                                             {"member", Type::kMember, false},
                                             {"gone", Type::kGone, false},
                                             {"lost", Type::kLost, false}}};

bool read_rest(const Fields& fields, RedisEntry& entry) {
  switch (entry.type) {
    case Type::kHello:
      return true;
    case Type::kMessage:
      break;
    case Type::kPrivate:
      return read_private(fields, entry);
    case Type::kTopic:
    case Type::kKick:
      return read_room_event(fields, entry);
    case Type::kMute:
      entry.on = fields["on"] == "1";
      return read_who(fields, entry);
    case Type::kMember:
    case Type::kGone:
      return read_member(fields, entry);
    case Type::kLost:
      entry.text = fields["why"];
      return is_clean(entry.text);
  }
  return false;
}

bool read_sequence(const Fields& fields, RedisEntry& entry) {
  const auto sequence = fields.number("s");
  if (sequence) entry.sequence = *sequence;
  return sequence.has_value();
}

RedisFields begin(std::string_view type, std::string_view node, std::uint64_t sequence) {
  return {"t", std::string(type), "n", std::string(node), "s", std::to_string(sequence)};
}
void add(RedisFields& fields, std::string_view name, std::string_view value) {
  fields.emplace_back(name);
  fields.emplace_back(value);
}
void add_who(RedisFields& fields, const RedisKey& who, std::string_view to) {
  add(fields, "at", who.first);
  add(fields, "m", std::to_string(who.second));
  add(fields, "to", to);
}

}  // namespace

bool is_node(std::string_view text) {
  return text.size() == 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// --- records -------------------------------------------------------------------------------------

std::string RedisRecord::text() const {
  std::string text = nick + "\n" + shape(nick) + "\n" + door + "\n" + std::to_string(port) + "\n" +
                     address + " " + host + "\n";
  for (std::size_t i = 0; i < rooms.size(); ++i)
    text += (i == 0 ? "" : " ") + rooms[i];
  return text;
}

std::optional<RedisRecord> RedisRecord::parse(std::string_view text) {
  if (text.size() > kMostRooms * (kMostRoom + 1) + 512) return std::nullopt;
  const std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() != kRecordLines || !is_nick(lines[0])) return std::nullopt;
  const auto port = parse_number<std::uint16_t>(lines[3]);
  const std::size_t space = lines[4].rfind(' ');
  if (!port || space == std::string_view::npos) return std::nullopt;
  RedisRecord record{.nick = std::string(lines[0]),
                     .door = std::string(lines[2]),
                     .port = *port,
                     .address = std::string(lines[4].substr(0, space)),
                     .host = std::string(lines[4].substr(space + 1))};
  if (!is_clean(record.address, kMostAddress) || !is_clean(record.host, kMostAddress) ||
      (record.door != "line" && record.door != "web" && record.door != "irc")) {
    return std::nullopt;
  }
  if (lines[5].empty()) return record;
  for (const std::string_view room : split(lines[5], ' ')) {
    if (!is_room(room) || record.rooms.size() == kMostRooms) return std::nullopt;
    record.rooms.emplace_back(room);
  }
  return record;
}

// --- topics --------------------------------------------------------------------------------------

std::string RedisTopic::line() const {
  return std::to_string(ms) + " " + by + " " + room + " " + text;
}

std::optional<RedisTopic> RedisTopic::parse(std::string_view line) {
  std::array<std::string_view, 3> words;
  for (std::string_view& word : words) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    word = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  const auto ms = parse_number<std::uint64_t>(words[0]);
  if (!ms || !is_nick(words[1]) || !is_room(words[2]) || !is_clean(line)) return std::nullopt;
  return RedisTopic{std::string(words[2]), std::string(words[1]), *ms, std::string(line)};
}

// --- entries -------------------------------------------------------------------------------------

std::optional<MessageId> redis_id(const RedisReply& entry) {
  if (!entry.is_list() || entry.list.size() != 2 || !entry.list[0].is_text()) return std::nullopt;
  const auto id = MessageId::parse(entry.list[0].text);
  if (!id || id->is_provisional()) return std::nullopt;
  return id;
}

std::string redis_id_text(MessageId id) {
  return std::to_string(id.ms) + "-" + std::to_string(id.number);
}

RedisStamp redis_stamp(const RedisReply& entry) {
  if (!redis_id(entry)) return {};
  const Fields fields(entry.list[1]);
  const std::string_view node = fields["n"];
  if (!is_node(node)) return {};
  return {fields.number("w").value_or(0), node, fields.number("s").value_or(0)};
}

std::optional<RedisEntry> parse_redis_entry(const RedisReply& reply) {
  const auto id = redis_id(reply);
  if (!id) return std::nullopt;
  const Fields fields(reply.list[1]);
  if (!fields.has_form()) return std::nullopt;
  RedisEntry entry{.id = *id, .node = std::string(fields["n"])};
  if (!is_node(entry.node)) return std::nullopt;
  if (const auto kind = kind_of(fields["t"])) {
    entry.type = Type::kMessage;
    if (!read_sequence(fields, entry) || !read_message(fields, *kind, entry)) return std::nullopt;
    return entry;
  }
  const auto found = std::find_if(kTypes.begin(), kTypes.end(),
                                  [&](const TypeName& each) { return each.name == fields["t"]; });
  if (found == kTypes.end()) return std::nullopt;
  entry.type = found->type;
  if (found->has_sequence && !read_sequence(fields, entry)) return std::nullopt;
  if (!read_rest(fields, entry)) return std::nullopt;
  return entry;
}

RedisFields fields_of_message(std::string_view node, std::uint64_t sequence,
                              const Message& message) {
  RedisFields fields = begin(name(message.kind), node, sequence);
  add(fields, "room", message.room);
  add(fields, "nick", message.nick);
  add(fields, "text", message.text);
  return fields;
}

RedisFields fields_of_private(std::string_view node, std::uint64_t sequence, const Message& message,
                              const RedisKey& who, std::string_view to) {
  RedisFields fields = begin("private", node, sequence);
  add(fields, "kind", name(message.kind));
  add(fields, "from", message.nick);
  add_who(fields, who, to);
  add(fields, "text", message.text);
  return fields;
}

RedisFields fields_of_topic(std::string_view node, std::uint64_t sequence, std::string_view room,
                            std::string_view by, std::string_view text) {
  RedisFields fields = begin("topic", node, sequence);
  add(fields, "room", room);
  add(fields, "by", by);
  add(fields, "text", text);
  return fields;
}

RedisFields fields_of_kick(std::string_view node, std::uint64_t sequence, std::string_view room,
                           std::string_view by, const RedisKey& who, std::string_view to,
                           std::string_view why) {
  RedisFields fields = begin("kick", node, sequence);
  add(fields, "room", room);
  add(fields, "by", by);
  add_who(fields, who, to);
  add(fields, "text", why);
  return fields;
}

RedisFields fields_of_mute(std::string_view node, std::uint64_t sequence, const RedisKey& who,
                           std::string_view to, bool on) {
  RedisFields fields = begin("mute", node, sequence);
  add_who(fields, who, to);
  add(fields, "on", on ? "1" : "0");
  return fields;
}

}  // namespace polyport::services::chat
