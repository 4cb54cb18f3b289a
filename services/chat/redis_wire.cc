// RedisBackplane: what this process says to all, and what it reads.
#include <algorithm>
#include <bit>

#include "core/base/text.h"
#include "services/chat/names.h"
#include "services/chat/redis_backplane.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostRenumbered = 1'000;
constexpr std::size_t kMostInFlight = 1'000;
constexpr std::string_view kEntriesAtOnce = "100";
constexpr std::string_view kBlockMs = "1000";

}  // namespace

void RedisBackplane::run(RedisScript script, const std::vector<std::string>& arguments,
                         RedisLink::Answer answer) {
  if (!commands_->is_ready()) return;
  std::vector<std::string_view> words = {"EVALSHA", shas_[static_cast<std::size_t>(script)], "1",
                                         kRedisPrefix};
  words.insert(words.end(), arguments.begin(), arguments.end());
  commands_->command(words, std::move(answer));
}

// --- saying --------------------------------------------------------------------------------------

void RedisBackplane::put(RedisOutbox::Unsent unsent) {
  share_members();  // who has just come is there before it speaks
  unsent.sequence = outbox_.next_sequence();
  outbox_.add(std::move(unsent));
}

void RedisBackplane::publish(Message message, std::uint64_t ticket) {
  RedisOutbox::Unsent said{.fields = fields_of_message(node_, outbox_.next_sequence(), message),
                           .room = to_lower(message.room),
                           .ticket = ticket};
  said.message = std::move(message);
  put(std::move(said));
  if (state_ == State::kTogether) return transmit_waiting();
  if (state_ == State::kApart && !show_waiting_->active()) show_waiting();
}

void RedisBackplane::show_provisionally(RedisOutbox::Unsent& unsent) {
  unsent.provisional = ++provisional_;
  if (!unsent.message) return;
  unsent.message->id = MessageId::provisional(unsent.provisional);
  listener().on_message(*unsent.message, unsent.ticket);
}

// A few at a time: nobody's reading must fall behind what the wire keeps.
void RedisBackplane::transmit_waiting() {
  if (state_ != State::kTogether) return;
  auto& all = outbox_.all();
  auto next = std::upper_bound(
      all.begin(), all.end(), sent_,
      [](std::uint64_t sent, const RedisOutbox::Unsent& unsent) { return sent < unsent.sequence; });
  for (; next != all.end() && in_flight_ < kMostInFlight; ++next) {
    sent_ = next->sequence;
    next->was_sent = true;
    ++in_flight_;
    transmit(*next);
  }
}

// The wire has brought it.
std::optional<RedisOutbox::Unsent> RedisBackplane::take(std::uint64_t sequence) {
  auto unsent = outbox_.take(sequence);
  if (unsent && sequence <= sent_ && in_flight_ > 0) --in_flight_;
  transmit_waiting();
  share_topics();
  return unsent;
}

void RedisBackplane::transmit(const RedisOutbox::Unsent& unsent) {
  std::vector<std::string> arguments = {node_,
                                        std::to_string(unsent.sequence),
                                        std::to_string(outbox_.first_sequence() - 1),
                                        unsent.room,
                                        std::to_string(options_.history.messages),
                                        std::to_string(options_.history.age_ms),
                                        unsent.topic};
  arguments.insert(arguments.end(), unsent.fields.begin(), unsent.fields.end());
  run(RedisScript::kSay, arguments,
      [this, sequence = unsent.sequence](const Reply& reply) { answered(sequence, reply); });
}

// The wire brings it as well; this matters where the wire has passed it already.
void RedisBackplane::answered(std::uint64_t sequence, const Reply& reply) {
  if (is_trouble(reply)) return;
  const auto id = MessageId::parse(reply.text);
  if (id && *id <= position_) settle(sequence, *id);
}

// Something of this process has its id and its place.
void RedisBackplane::settle(std::uint64_t sequence, MessageId id) {
  auto unsent = take(sequence);
  if (!unsent || !unsent->message) return;
  Message message = std::move(*unsent->message);
  message.id = id;
  message.time_ms = id.ms;
  if (unsent->provisional == 0) return listener().on_message(message, unsent->ticket);
  append(message, {});
  renumbered_.emplace_back(unsent->provisional, id);
  if (renumbered_.size() > kMostRenumbered) renumbered_.pop_front();
  listener().on_renumbered(message.room, MessageId::provisional(unsent->provisional), id);
  if (unsent->kept) unsent->kept(message, true);
}

void RedisBackplane::pass_on(const Message& message, const Member& from, const RedisKey& to,
                             std::string_view nick) {
  put({.fields = fields_of_private(node_, outbox_.next_sequence(), message, to, nick),
       .from = locals_.at(&from).number,
       .to = std::string(nick)});
  transmit_waiting();
}

// What was said to one alone is of the moment: it does not wait for Redis to come back.
void RedisBackplane::drop_private() {
  for (const RedisOutbox::Unsent& unsent : outbox_.take_private()) {
    tell_writer(unsent.from, "what you wrote to " + unsent.to +
                                 " was not sent: that server of this chat is out of reach");
  }
}

void RedisBackplane::tell_writer(std::uint64_t number, const std::string& text) {
  const auto writer = by_number_.find(number);
  if (writer != by_number_.end()) hub_->inform(*writer->second, text);
}

RedisKey RedisBackplane::key_of(const Member& member) const {
  if (member.is_remote()) return RedisPeers::key(member);
  return {node_, locals_.at(&member).number};
}

Member* RedisBackplane::find(const RedisKey& key) const {
  if (key.first != node_) return peers_.find(key);
  const auto found = by_number_.find(key.second);
  return found == by_number_.end() ? nullptr : found->second;
}

bool RedisBackplane::share_topic(std::string_view room, std::string_view by,
                                 std::string_view text) {
  if (state_ != State::kTogether || !takes_more()) {
    topics_waiting_.insert(to_lower(room));
    if (topics_waiting_.size() > hub_->room_count()) {
      std::erase_if(topics_waiting_,
                    [this](const std::string& name) { return hub_->find_room(name) == nullptr; });
    }
    return false;
  }
  const RedisTopic topic{std::string(room), std::string(by), clock_.wall_ms(), std::string(text)};
  put({.fields = fields_of_topic(node_, outbox_.next_sequence(), room, by, text),
       .topic = topic.line(),
       .room = to_lower(room)});
  transmit_waiting();
  return true;
}

void RedisBackplane::share_topics() {
  while (!topics_waiting_.empty() && state_ == State::kTogether && takes_more()) {
    const std::string name = topics_waiting_.extract(topics_waiting_.begin()).value();
    const Room* room = hub_->find_room(name);
    if (room == nullptr || room->topic_by.empty()) continue;  // it has gone, or it is another one
    share_topic(room->name, room->topic_by, room->topic);
  }
}

bool RedisBackplane::share_kick(std::string_view room, std::string_view by, Member& who,
                                std::string_view why) {
  if (state_ != State::kTogether || !takes_more()) return false;
  put({.fields =
           fields_of_kick(node_, outbox_.next_sequence(), room, by, key_of(who), who.nick(), why)});
  transmit_waiting();
  return true;
}

bool RedisBackplane::share_mute(Member& who, bool muted) {
  if (state_ != State::kTogether || !takes_more()) return false;
  put({.fields = fields_of_mute(node_, outbox_.next_sequence(), key_of(who), who.nick(), muted)});
  transmit_waiting();
  return true;
}

// --- members of this process ---------------------------------------------------------------------

std::uint64_t RedisBackplane::next_guest() {
  if (guests_left_ > 0) --guests_left_;
  return ++guest_;
}

void RedisBackplane::member_changed(Member& member, std::string_view why) {
  Local& local = locals_[&member];
  if (local.number == 0) {
    local.number = ++numbers_;
    by_number_.emplace(local.number, &member);
  }
  if (!why.empty()) local.why = why;
  if (!std::exchange(local.is_dirty, true)) dirty_.push_back(&member);
  if (state_ == State::kTogether) share_->start(std::chrono::milliseconds(0));
}

void RedisBackplane::member_left(Member& member, std::string_view why,
                                 std::chrono::milliseconds held) {
  const auto found = locals_.find(&member);
  if (found == locals_.end()) return;
  share_members();
  const std::string number = std::to_string(found->second.number);
  if (found->second.is_dirty) std::erase(dirty_, &member);
  by_number_.erase(found->second.number);
  locals_.erase(found);
  if (state_ != State::kTogether) return;
  run(RedisScript::kGone, {node_, number, std::string(why), std::to_string(held.count())},
      [this](const Reply& reply) { is_trouble(reply); });
}

void RedisBackplane::share_members() {
  if (state_ != State::kTogether) return;
  for (Member* member : std::exchange(dirty_, {})) {
    Local& local = locals_.at(member);
    local.is_dirty = false;
    share_member(*member, local);
  }
}

void RedisBackplane::share_member(Member& member, Local& local) {
  const Place place = member.place();
  RedisRecord record{.nick = member.nick(),
                     .door = std::string(place.door),
                     .port = place.port,
                     .address = place.address,
                     .host = host_};
  for (const Room* room : member.rooms())
    record.rooms.push_back(room->name);
  const auto answer = [this, who = &member, number = local.number,
                       nick = member.nick()](const Reply& reply) {
    if (is_trouble(reply)) return;
    if (reply.text == "unknown") return fail({"Redis knows this process no more", {}});
    if (reply.text != "taken") return;
    const auto found = locals_.find(who);
    if (found == locals_.end() || found->second.number != number || who->nick() != nick) return;
    hub_->lose_name(*who);
  };
  run(RedisScript::kMember,
      {node_, std::to_string(local.number), record.text(), std::exchange(local.why, {})}, answer);
}

// --- reading -------------------------------------------------------------------------------------

void RedisBackplane::read_on() {
  if (!reader_->is_ready()) return;
  const std::string key = redis_key("wire");
  const std::string from = redis_id_text(position_);
  const std::array<std::string_view, 8> words = {
      "XREAD", "COUNT", kEntriesAtOnce, "BLOCK", kBlockMs, "STREAMS", key, from};
  reader_->command(words, [this](const Reply& reply) { hear_wire(reply); });
}

void RedisBackplane::hear_wire(const Reply& reply) {
  if (is_trouble(reply)) return;
  if (reply.is_list() && reply.list.size() == 1 && reply.list[0].list.size() == 2) {
    for (const Reply& each : reply.list[0].list[1].list) {
      const auto id = redis_id(each);
      if (!id || *id <= position_) continue;
      const RedisStamp stamp = redis_stamp(each);
      if (stamp.count != 0 && !follows(stamp.count, *id)) return;
      position_ = *id;
      const auto entry = parse_redis_entry(each);
      if (entry && stamp.count != 0) {
        apply(*entry);
      } else {
        skip(each, stamp);
      }
      if (state_ != State::kTogether) return;  // it has failed over this one
    }
  }
  read_on();
}

// Where the wire was trimmed before this process had read it, it begins anew, and finds what it has
// missed in the rooms. Where nothing was missing, somebody else has changed the count.
bool RedisBackplane::follows(std::uint64_t count, MessageId id) {
  if (count == count_ + 1 || count_ == 0 || id == gap_) {
    count_ = count;
    return true;
  }
  gap_ = id;
  fail({"this process has read more slowly than the others wrote, and missed something", {}});
  return false;
}

void RedisBackplane::skip(const Reply& entry, const RedisStamp& stamp) {
  // Nobody shows it, so this process does not either.
  if (stamp.node == node_ && stamp.count != 0) {
    const auto unsent = take(stamp.sequence);
    if (unsent && unsent->kept) unsent->kept(*unsent->message, false);
  }
  // The first, and then each time their number doubles.
  if (++skipped_; !std::has_single_bit(skipped_)) return;
  log(LogLevel::kWarn, "backplane_entry_skipped",
      "entry " + without_controls(entry.list[0].text) + " of " + std::string(kRedisPrefix) +
          "wire is not of this chat; skipped so far: " + std::to_string(skipped_) +
          (stamp.node.empty()
               ? " (another program writes there: give the chat a database of its own)"
               : " (a later version of polyport writes there, or another program: give all "
                 "processes of the chat one version)"));
}

void RedisBackplane::apply(const RedisEntry& entry) {
  const bool is_own = entry.node == node_;
  switch (entry.type) {
    case RedisEntry::Type::kHello:
      return;
    case RedisEntry::Type::kMessage:
      return is_own ? settle(entry.sequence, entry.id) : listener().on_message(entry.message, 0);
    case RedisEntry::Type::kPrivate:
      return apply_private(entry);
    case RedisEntry::Type::kTopic:
      if (members_as_of_ < entry.id) apply_topic(entry);
      break;
    case RedisEntry::Type::kKick:
      if (Member* who = find(entry.who)) {
        hub_->apply_kick(entry.room, entry.nick, *who, entry.text);
      }
      break;
    case RedisEntry::Type::kMute:
      if (Member* who = find(entry.who); who != nullptr && !who->is_remote()) {
        hub_->apply_mute(*who, entry.on ? Hub::Mute::kMute : Hub::Mute::kUnmute);
      }
      break;
    case RedisEntry::Type::kMember:
    case RedisEntry::Type::kGone:
    case RedisEntry::Type::kLost:
      if (members_as_of_ < entry.id) apply_other(entry);
      return;
  }
  if (is_own) take(entry.sequence);
}

void RedisBackplane::apply_topic(const RedisEntry& entry) {
  const std::string room = to_lower(entry.room);
  if (entry.node != node_) {
    topics_waiting_.erase(room);
  } else if (topics_waiting_.contains(room)) {
    return;  // a later one of this process, shown already, waits
  }
  hub_->apply_topic(entry.room, entry.nick, entry.text, entry.id.ms);
}

void RedisBackplane::apply_private(const RedisEntry& entry) {
  Member* who = find(entry.who);
  if (entry.node != node_) {
    if (who != nullptr && !who->is_remote()) hub_->deliver(entry.message, *who);
    return;
  }
  const auto unsent = take(entry.sequence);
  if (unsent && who == nullptr) {
    tell_writer(unsent->from, entry.to + " had gone before what you wrote came there");
  }
}

// About members, or whole processes.
void RedisBackplane::apply_other(const RedisEntry& entry) {
  if (entry.node == node_) {
    if (entry.type == RedisEntry::Type::kLost) {
      fail({"the others took this process for gone, because it said nothing for " +
                std::to_string(options_.node_timeout.count()) + " ms",
            {}});
    }
    return;
  }
  if (entry.type == RedisEntry::Type::kMember) {
    return peers_.set(entry.who, entry.record, entry.text);
  }
  if (entry.type == RedisEntry::Type::kGone) return peers_.gone(entry.who, entry.text);
  peers_.lost(entry.node, entry.text);
}

}  // namespace polyport::services::chat
