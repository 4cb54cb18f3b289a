// Fuzzes what a chat reads from Redis, where anybody may have written: what becomes of an entry is
// exactly what this chat writes, and what members hear of it is clean.
//
// The input is entries, with 0x1e between them; an entry is words, with 0x1f between them: the id,
// then names and values. A word that begins with 0x01 stands for an answer that is no text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/irc_text.h"
#include "services/chat/line_text.h"
#include "services/chat/local_bus.h"
#include "services/chat/memory_store.h"
#include "services/chat/redis_missed.h"
#include "services/chat/redis_page.h"
#include "services/chat/redis_peers.h"
#include "services/chat/web_text.h"
#include "tests/support/redis_entry.h"

using namespace polyport;
using namespace polyport::services::chat;

namespace {

void check_line(const std::string& line) {
  POLYPORT_ASSERT(is_utf8(line));
  if (line.empty()) return;
  POLYPORT_ASSERT(line.ends_with("\r\n"));
  const std::string text = line.substr(0, line.size() - 2);
  POLYPORT_ASSERT(without_controls(text) == text);
}

class StillClock final : public Clock {
 public:
  std::uint64_t steady_ms() const override { return 1'000'000; }
  std::uint64_t wall_ms() const override { return 1'700'000'000'000; }
};

class Reader final : public Member {
 public:
  Delivery hear(const Event& event, Encodings&) override {
    for (const LineStyle style : {LineStyle::kHere, LineStyle::kElsewhere, LineStyle::kPlain})
      check_line(line_text(event, style, *this));
    POLYPORT_ASSERT(is_utf8(web_text(event)));
    return Delivery::kTaken;
  }
  void hear_joined(const Room&, const Page&, Replay) override {}
  void hear_history(const Room&, const HistoryQuestion&, const Page&) override {}
  void hear_kept(const Message&, std::string_view, bool) override {}
  void show_out(std::string_view) override {}
  Place place() const override { return {.address = "here", .door = "line"}; }
};

class WireBus final : public Bus {
 public:
  void publish(Message, std::uint64_t) override {}
  void hear(const Message& message) { listener().on_message(message, 0); }
};

// One process of a chat, as far as it hears the others.
class Process {
 public:
  Process() : store_(clock_, {}), hub_(rules(), clock_, store_, bus_, [] {}) {
    peers_.start(hub_);
    hub_.enter(reader_);
    hub_.join(reader_, "#lobby");
  }
  ~Process() {
    peers_.clear("over");
    hub_.leave(reader_, "over", Hub::Leave::kForGood);
  }

  void apply(const RedisEntry& entry) {
    using Type = RedisEntry::Type;
    switch (entry.type) {
      case Type::kHello:
        break;
      case Type::kMessage:
        bus_.hear(entry.message);
        break;
      case Type::kPrivate:
        hub_.deliver(entry.message, reader_);
        break;
      case Type::kTopic:
        hub_.apply_topic(entry.room, entry.nick, entry.text, entry.id.ms);
        break;
      case Type::kKick:
        if (Member* who = peers_.find(entry.who)) {
          hub_.apply_kick(entry.room, entry.nick, *who, entry.text);
        }
        break;
      case Type::kMute:
        hub_.apply_mute(reader_, entry.on ? Hub::Mute::kMute : Hub::Mute::kUnmute);
        break;
      case Type::kMember:
        peers_.set(entry.who, entry.record, entry.text);
        break;
      case Type::kGone:
        peers_.gone(entry.who, entry.text);
        break;
      case Type::kLost:
        peers_.lost(entry.node, entry.text);
        break;
    }
    // A member whose name another one has taken is out until it has a new one.
    POLYPORT_ASSERT(reader_.in_hub() && hub_.size() <= peers_.size() + 1);
    POLYPORT_ASSERT(hub_.room_count() <= rules().rooms);
    if (entry.type != Type::kMember) return;
    const Member* member = peers_.find(entry.who);
    POLYPORT_ASSERT(member != nullptr && member->nick() == entry.record.nick);
  }

 private:
  static Rules rules() {
    Rules rules;
    rules.rooms = 4;
    return rules;
  }

  StillClock clock_;
  MemoryStore store_;
  WireBus bus_;
  Hub hub_;
  RedisPeers peers_{[](const Message&, const Member&, const RedisKey&, std::string_view) {}};
  Reader reader_;
};

RedisReply read_entry(std::string_view bytes) {
  std::vector<std::string> fields;
  for (const std::string_view word : split(bytes, '\x1f'))
    fields.emplace_back(word);
  const std::string id = fields.front();
  fields.erase(fields.begin());
  RedisReply entry = test::redis_entry(id, fields);
  for (RedisReply& field : entry.list[1].list) {
    if (field.text.starts_with('\x01')) field = {.kind = RedisReply::Kind::kInteger, .integer = 1};
  }
  return entry;
}

// As it would be written, without what the script adds.
RedisFields written(const RedisEntry& entry) {
  using Type = RedisEntry::Type;
  const std::string_view node = entry.node;
  const std::uint64_t sequence = entry.sequence;
  switch (entry.type) {
    case Type::kMessage:
      return fields_of_message(node, sequence, entry.message);
    case Type::kPrivate:
      return fields_of_private(node, sequence, entry.message, entry.who, entry.to);
    case Type::kTopic:
      return fields_of_topic(node, sequence, entry.room, entry.nick, entry.text);
    case Type::kKick:
      return fields_of_kick(node, sequence, entry.room, entry.nick, entry.who, entry.to,
                            entry.text);
    case Type::kMute:
      return fields_of_mute(node, sequence, entry.who, entry.to, entry.on);
    default:
      return {};  // the scripts write them
  }
}

void check_is_read_back(const RedisReply& reply, const RedisEntry& entry) {
  POLYPORT_ASSERT(redis_id(reply) == entry.id && redis_stamp(reply).node == entry.node);
  const RedisFields fields = written(entry);
  if (fields.empty()) return;
  const auto back = parse_redis_entry(test::redis_entry(entry.id.text(), fields));
  POLYPORT_ASSERT(back && back->type == entry.type && written(*back) == fields);
}

void check_rows(std::string_view bytes) {
  if (const auto record = RedisRecord::parse(bytes)) {
    const auto back = RedisRecord::parse(record->text());
    POLYPORT_ASSERT(back && back->text() == record->text());
  }
  if (const auto topic = RedisTopic::parse(bytes)) {
    const auto back = RedisTopic::parse(topic->line());
    POLYPORT_ASSERT(back && back->line() == topic->line());
  }
}

// As the answer about a room's history, in any order.
void check_history(const RedisReply& list) {
  const HistoryQuestion question{.room = "#lobby", .most = 2};
  Page page = redis_page(question, list, 1000);
  keep_newest(page, question.most);
  POLYPORT_ASSERT(page.messages.size() <= 2 && (!page.more || list.list.size() > 2));
  RedisMissed missed({1000, 0}, {2'000'000'000'000, 0}, 1, {"#lobby"});
  missed.next_rooms();
  POLYPORT_ASSERT(missed.take(list));
  MessageId last{1000, 0};
  while (const auto entry = missed.next()) {
    POLYPORT_ASSERT(last < entry->id && entry->id <= missed.last());
    last = entry->id;
  }
  POLYPORT_ASSERT(missed.bytes() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_rows(input);
  RedisReply list{.kind = RedisReply::Kind::kList};
  Process process;
  MessageId position;
  for (const std::string_view part : split(input, '\x1e')) {
    list.list.push_back(read_entry(part));
    const RedisReply& reply = list.list.back();
    const auto entry = parse_redis_entry(reply);
    if (!entry) continue;
    check_is_read_back(reply, *entry);
    if (entry->id <= position) continue;
    position = entry->id;
    process.apply(*entry);
  }
  check_history(list);
  return 0;
}
