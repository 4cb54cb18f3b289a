// RedisBackplane: several processes are one chat. It is their Bus and their Store.
//
// Everything that happens is an entry of one stream in Redis, the wire, whose ids are the order of
// everything and the ids of messages; every process reads it with XREAD BLOCK on a connection of
// its own and shows what it reads, its own messages too. Messages are kept a second time in a
// stream for each room: history. One stream for all and not one a room: a process with a thousand
// rooms would name a thousand keys in every XREAD, and somebody's coming could overtake what they
// say.
//
// Together: as above. Connecting: for a moment after the start or a loss, messages wait unseen.
// Apart: Redis is away; messages are shown at once under provisional ids, and wait. On return they
// are sent in their order, after what the others said meanwhile was fetched, and get their final
// ids. Redis gives a message that is sent twice the same id (redis_scripts.h).
//
// redis_backplane.cc: the three states; redis_catch_up.cc: what is shown late; redis_wire.cc: what
// is sent and read; redis_history.cc: the Store.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/backoff.h"
#include "core/service.h"
#include "services/chat/bus.h"
#include "services/chat/memory_store.h"
#include "services/chat/redis_link.h"
#include "services/chat/redis_missed.h"
#include "services/chat/redis_outbox.h"
#include "services/chat/redis_peers.h"
#include "services/chat/redis_scripts.h"

namespace polyport::services::chat {

class RedisBackplane final : public Bus, public Store, private RedisLink::Owner {
 public:
  struct Options {
    RedisAddress address;
    // A process that says nothing for so long counts as gone.
    std::chrono::milliseconds node_timeout{10'000};
    MemoryStore::Limits history;
    std::string room;  // whose topic stays when nobody is in it
  };

  RedisBackplane(const Clock& clock, const Options& options);
  ~RedisBackplane() override;

  // Never fails: where Redis is away it is tried again.
  void start(ServiceContext& context, Hub& hub);
  // Tells the others, as far as the kernel takes it at once.
  void stop();
  UpstreamStatus status(std::string_view instance) const;

  // --- Bus (redis_wire.cc)
  void publish(Message message, std::uint64_t ticket) override;
  bool takes_more() const override { return !outbox_.is_full(); }
  bool reaches_others() const override { return state_ != State::kApart && takes_more(); }
  std::string_view notice() const override;
  std::uint64_t next_guest() override;
  void member_changed(Member& member, std::string_view why) override;
  void member_left(Member& member, std::string_view why, std::chrono::milliseconds held) override;
  bool share_topic(std::string_view room, std::string_view by, std::string_view text) override;
  bool share_kick(std::string_view room, std::string_view by, Member& who,
                  std::string_view why) override;
  bool share_mute(Member& who, bool muted) override;

  // --- Store (redis_history.cc)
  void append(const Message& message, Kept kept) override;
  void read(const HistoryQuestion& question, std::function<void(Page)> answer) override;

 private:
  enum class State : std::uint8_t { kConnecting, kTogether, kApart };
  struct Local {  // a member of this process
    std::uint64_t number = 0;
    std::string why = {};
    bool is_dirty = false;  // Redis does not know what it is now
  };
  struct Pending {  // a question about history that Redis has been asked
    HistoryQuestion question;
    std::function<void(Page)> answer;
    std::vector<Message> since;  // said in that room meanwhile
  };
  using Reply = RedisReply;

  // --- the three states
  void on_link_ready(RedisLink& link) override;
  void on_link_lost(RedisLink& link, const RedisTrouble& trouble) override;
  void connect();
  void load_scripts();
  void weed();
  void say_hello();
  void hear_hello(const Reply& reply);
  void take_members(const Reply& list);
  void take_topics(const Reply& list);
  void join_up();
  std::uint64_t guests_wanted() const;
  void take_guests(const Reply& first);
  void fail(const RedisTrouble& trouble);
  void go_apart();
  void beat();
  bool is_trouble(const Reply& reply);

  // --- what is shown late
  void fetch_missed(MessageId last, std::uint64_t count);
  void ask_for_missed();
  void show_missed();
  void show_waiting();

  // --- the wire
  void run(RedisScript script, const std::vector<std::string>& arguments, RedisLink::Answer answer);
  void put(RedisOutbox::Unsent unsent);
  void transmit(const RedisOutbox::Unsent& unsent);
  void transmit_waiting();
  std::optional<RedisOutbox::Unsent> take(std::uint64_t sequence);
  void answered(std::uint64_t sequence, const Reply& reply);
  void settle(std::uint64_t sequence, MessageId id);
  void show_provisionally(RedisOutbox::Unsent& unsent);
  void pass_on(const Message& message, const Member& from, const RedisKey& to,
               std::string_view nick);
  void drop_private();
  void tell_writer(std::uint64_t number, const std::string& text);
  RedisKey key_of(const Member& member) const;
  Member* find(const RedisKey& key) const;
  void share_topics();
  void share_members();
  void share_member(Member& member, Local& local);
  void read_on();
  void hear_wire(const Reply& reply);
  void apply(const RedisEntry& entry);
  void apply_topic(const RedisEntry& entry);
  void apply_private(const RedisEntry& entry);
  void apply_other(const RedisEntry& entry);
  bool follows(std::uint64_t count, MessageId id);
  void skip(const Reply& entry, const RedisStamp& stamp);

  // --- history
  Page local_page(HistoryQuestion question);
  void hear_history(std::list<Pending>::iterator pending, const Reply& reply);
  void ask_again();
  void add_provisional(const HistoryQuestion& question, Page& page);

  void log(LogLevel level, std::string_view event, const std::string& message) const;

  const Clock& clock_;
  const Options options_;
  const std::string node_;  // of this process and no other
  const std::string host_;
  MemoryStore memory_;  // what was seen here, for the time apart
  ServiceContext* context_ = nullptr;
  Hub* hub_ = nullptr;
  RedisPeers peers_;
  RedisOutbox outbox_;

  State state_ = State::kConnecting;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<RedisLink> commands_;
  std::unique_ptr<RedisLink> reader_;
  std::unique_ptr<Timer> retry_;
  std::unique_ptr<Timer> grace_;
  std::unique_ptr<Timer> beat_;
  std::unique_ptr<Timer> forget_;  // the members of others, where this lasts
  std::unique_ptr<Timer> share_;
  std::unique_ptr<Timer> show_missed_;   // the next part of it
  std::unique_ptr<Timer> show_waiting_;  // the same
  std::unique_ptr<RedisMissed> missed_;  // while it is fetched and shown
  Backoff backoff_;
  std::array<std::string, kRedisScripts> shas_;
  std::string trouble_;  // what is wrong now, in words
  std::string logged_;
  std::uint64_t joined_ = 0;  // how often it was together
  std::uint64_t failed_ = 0;

  std::uint64_t count_ = 0;  // of the entry at position_; 0: not known
  MessageId gap_;            // an entry whose count did not follow
  MessageId position_;       // up to here the wire has been read
  MessageId members_as_of_;  // what the wire says of members and topics up to here is old
  std::uint64_t provisional_ = 0;
  std::uint64_t sent_ = 0;     // the last of outbox_ that Redis was sent since it is there
  std::size_t in_flight_ = 0;  // sent, and not read back yet
  std::unordered_map<const Member*, Local> locals_;
  std::unordered_map<std::uint64_t, Member*> by_number_;  // the same
  std::vector<Member*> dirty_;
  std::uint64_t numbers_ = 0;
  std::uint64_t guest_ = 0;        // the last number given
  std::uint64_t guests_left_ = 0;  // of those that Redis has given
  std::uint64_t skipped_ = 0;
  bool needs_weeding_ = false;  // something too large for any answer is in the streams
  std::list<Pending> pending_;
  std::vector<Pending> waiting_;  // to be asked when this is together, or apart
  std::deque<std::pair<std::uint64_t, MessageId>> renumbered_;  // for who comes back
  std::unordered_set<std::string> topics_waiting_;  // rooms whose topic only this process knows
};

}  // namespace polyport::services::chat
