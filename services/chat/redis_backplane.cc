// RedisBackplane: connecting, together, apart.
#include "services/chat/redis_backplane.h"

#include <unistd.h>

#include <algorithm>

#include "core/base/digest.h"
#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{100};
constexpr std::chrono::milliseconds kLongestRetry{5'000};
constexpr std::chrono::milliseconds kGrace{1'000};  // a loss this short nobody notices
constexpr std::chrono::milliseconds kLongestBeat{1'000};
constexpr std::chrono::milliseconds kPatience{2'000};
constexpr std::uint64_t kGuestsAtOnce = 100;

// As others may read it: a word.
std::string host_name() {
  std::array<char, 65> buffer{};
  if (::gethostname(buffer.data(), buffer.size() - 1) != 0 || buffer[0] == '\0') return "elsewhere";
  std::string host(buffer.data());
  for (char& c : host) {
    if (c <= ' ' || c >= 0x7f) c = '-';
  }
  return host.substr(0, 64);
}

double random_part() {
  const std::string bytes = random_bytes(2);
  return (static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1])) /
         65536.0;
}

}  // namespace

RedisBackplane::RedisBackplane(const Clock& clock, const Options& options)
    : clock_(clock),
      options_(options),
      node_(hex(random_bytes(8))),
      host_(host_name()),
      memory_(clock, options.history),
      peers_([this](const Message& message, const Member& from, const RedisKey& to,
                    std::string_view nick) { pass_on(message, from, to, nick); }),
      backoff_(kFirstRetry, kLongestRetry) {
  memory_.mark_others_cut();
}

RedisBackplane::~RedisBackplane() = default;

void RedisBackplane::start(ServiceContext& context, Hub& hub) {
  context_ = &context;
  hub_ = &hub;
  peers_.start(hub);
  Loop& loop = context.loop;
  resolver_ = std::make_unique<Resolver>(loop);
  RedisLink::Owner& self = *this;
  commands_ = std::make_unique<RedisLink>(loop, *resolver_, options_.address,
                                          "polyport-" + node_ + "-commands", self);
  reader_ = std::make_unique<RedisLink>(loop, *resolver_, options_.address,
                                        "polyport-" + node_ + "-reader", self);
  retry_ = std::make_unique<Timer>(loop, [this] { connect(); });
  grace_ = std::make_unique<Timer>(loop, [this] { go_apart(); });
  beat_ = std::make_unique<Timer>(loop, [this] { beat(); });
  forget_ = std::make_unique<Timer>(loop, [this] { peers_.clear("its server is out of reach"); });
  share_ = std::make_unique<Timer>(loop, [this] { share_members(); });
  show_missed_ = std::make_unique<Timer>(loop, [this] { show_missed(); });
  show_waiting_ = std::make_unique<Timer>(loop, [this] { show_waiting(); });
  grace_->start(kGrace);
  connect();
}

void RedisBackplane::stop() {
  if (state_ == State::kTogether) {
    share_members();
    run(RedisScript::kBye, {node_, "its server is stopping"}, [](const Reply&) {});
  }
  for (Timer* timer : {retry_.get(), grace_.get(), beat_.get(), forget_.get(), share_.get(),
                       show_missed_.get(), show_waiting_.get()})
    timer->stop();
  state_ = State::kApart;
  pending_.clear();
  waiting_.clear();
  commands_->close();
  reader_->close();
  locals_.clear();
  by_number_.clear();
  dirty_.clear();
}

// --- connecting ----------------------------------------------------------------------------------

void RedisBackplane::connect() {
  commands_->open();
  reader_->open();
}

void RedisBackplane::on_link_ready(RedisLink&) {
  if (!commands_->is_ready() || !reader_->is_ready()) return;
  commands_->set_patience(kPatience);
  load_scripts();
}

void RedisBackplane::load_scripts() {
  for (std::size_t i = 0; i < kRedisScripts; ++i) {
    const std::array<std::string_view, 3> words = {"SCRIPT", "LOAD",
                                                   text_of(static_cast<RedisScript>(i))};
    commands_->command(words, [this, i](const Reply& reply) {
      if (is_trouble(reply)) return;
      shas_[i] = reply.text;
      if (i + 1 < kRedisScripts) return;
      if (needs_weeding_) return weed();
      say_hello();
    });
  }
}

// No answer of Redis could be as large as what somebody has put there.
void RedisBackplane::weed() {
  run(RedisScript::kWeed, {}, [this](const Reply& reply) {
    if (is_trouble(reply)) return;
    needs_weeding_ = false;
    log(LogLevel::kWarn, "backplane_weeded",
        "entries larger than 256 KiB, which no chat writes, taken out of the streams " +
            std::string(kRedisPrefix) + "*: " + std::to_string(reply.integer));
    say_hello();
  });
}

void RedisBackplane::say_hello() {
  std::vector<std::string> arguments = {node_, std::to_string(options_.node_timeout.count()),
                                        redis_id_text(position_), std::to_string(guests_wanted()),
                                        to_lower(options_.room)};
  for (const auto& [number, member] : by_number_)
    arguments.push_back(std::to_string(number));
  run(RedisScript::kHello, arguments, [this](const Reply& reply) { hear_hello(reply); });
}

void RedisBackplane::hear_hello(const Reply& reply) {
  if (is_trouble(reply)) return;
  const auto id = [&](std::size_t at) {
    return reply.list[at].is_text() ? MessageId::parse(reply.list[at].text) : std::nullopt;
  };
  const bool has_form = reply.is_list() && reply.list.size() == 6 && id(0) && id(1) &&
                        reply.list[3].is_list() && reply.list[4].is_list();
  if (!has_form) {
    return fail(
        trouble_of_protocol("its answer is not that of the script", options_.address.place()));
  }
  take_guests(reply.list[2]);
  members_as_of_ = *id(0);
  take_members(reply.list[3]);
  take_topics(reply.list[4]);
  const auto count = static_cast<std::uint64_t>(reply.list[5].integer);
  if (position_ == MessageId()) {
    position_ = *id(0);
    count_ = count;
  } else if (position_ < *id(1)) {
    return fetch_missed(*id(0), count);
  }
  join_up();
}

void RedisBackplane::take_members(const Reply& list) {
  std::set<RedisPeers::Key> there;
  std::vector<std::pair<RedisPeers::Key, RedisRecord>> records;
  for (std::size_t i = 0; i + 2 < list.list.size(); i += 3) {
    const auto number = parse_number<std::uint64_t>(list.list[i + 1].text, 1);
    auto record = RedisRecord::parse(list.list[i + 2].text);
    if (!is_node(list.list[i].text) || !number || !record) continue;
    RedisPeers::Key key{list.list[i].text, *number};
    there.insert(key);
    records.emplace_back(std::move(key), std::move(*record));
  }
  peers_.keep(there);
  for (const auto& [key, record] : records)
    peers_.set(key, record, {});
}

void RedisBackplane::take_topics(const Reply& list) {
  for (std::size_t i = 0; i + 1 < list.list.size(); i += 2) {
    const auto topic = RedisTopic::parse(list.list[i + 1].text);
    if (!topic) continue;
    const Room* room = hub_->find_room(topic->room);
    if (room == nullptr || room->topic == topic->text ||
        topics_waiting_.contains(to_lower(room->name))) {
      continue;
    }
    hub_->apply_topic(topic->room, topic->by, topic->text, topic->ms);
  }
}

// --- together ------------------------------------------------------------------------------------

void RedisBackplane::join_up() {
  const bool was_apart = state_ == State::kApart;
  state_ = State::kTogether;
  ++joined_;
  backoff_.reset();
  grace_->stop();
  forget_->stop();
  show_waiting_->stop();  // what is left of it is shown when it has its place
  trouble_.clear();
  logged_.clear();
  for (const auto& [number, member] : by_number_) {
    if (!std::exchange(locals_.at(member).is_dirty, true)) dirty_.push_back(member);
  }
  share_members();
  sent_ = 0;
  in_flight_ = 0;
  transmit_waiting();
  ask_again();
  share_topics();
  reader_->set_patience(kLongestBeat + kPatience);
  read_on();
  beat_->start_every(
      std::clamp(options_.node_timeout / 4, std::chrono::milliseconds(100), kLongestBeat));
  log(LogLevel::kInfo, "backplane_connected",
      "shares its rooms with others through " + options_.address.text());
  if (was_apart) listener().on_bus_notice("the other servers of this chat are there again");
}

void RedisBackplane::beat() {
  if (state_ != State::kTogether) return;
  run(RedisScript::kBeat,
      {node_, std::to_string(options_.node_timeout.count()), std::to_string(guests_wanted())},
      [this](const Reply& reply) {
        if (is_trouble(reply) || reply.list.size() != 2) return;
        if (reply.list[0].integer == 0) {
          return fail(
              {"Redis knows this process no more: it was away too long, or Redis has lost "
               "its data",
               {}});
        }
        take_guests(reply.list[1]);
      });
}

std::uint64_t RedisBackplane::guests_wanted() const {
  return guests_left_ < kGuestsAtOnce / 2 ? kGuestsAtOnce : 0;
}

// The first of so many numbers as were asked for; 0: of none.
void RedisBackplane::take_guests(const Reply& first) {
  if (first.integer <= 0) return;
  guest_ = std::max(guest_, static_cast<std::uint64_t>(first.integer) - 1);
  guests_left_ = kGuestsAtOnce;
}

// --- apart ---------------------------------------------------------------------------------------

bool RedisBackplane::is_trouble(const Reply& reply) {
  if (!reply.is_error()) return false;
  fail(trouble_of_answer(reply.text, options_.address.place()));
  return true;
}

void RedisBackplane::on_link_lost(RedisLink&, const RedisTrouble& trouble) {
  fail(trouble);
}

void RedisBackplane::fail(const RedisTrouble& trouble) {
  ++failed_;
  commands_->close();
  reader_->close();
  beat_->stop();
  show_missed_->stop();
  missed_.reset();
  trouble_ = trouble.text();
  needs_weeding_ = needs_weeding_ || trouble.kind == RedisTrouble::Kind::kTooLarge;
  if (state_ == State::kTogether) {
    state_ = State::kConnecting;
    grace_->start(kGrace);
    forget_->start(options_.node_timeout);
  }
  if (logged_ != trouble_) log(LogLevel::kWarn, "backplane_failed", trouble_);
  logged_ = trouble_;
  ask_again();
  retry_->start(backoff_.next(random_part()));
}

void RedisBackplane::go_apart() {
  state_ = State::kApart;
  listener().on_bus_notice(notice());
  drop_private();
  show_waiting();
  ask_again();
}

std::string_view RedisBackplane::notice() const {
  if (state_ != State::kApart) return {};
  return "the other servers of this chat are out of reach: what is said here is heard only here, "
         "and "
         "goes to them when they are there again";
}

UpstreamStatus RedisBackplane::status(std::string_view instance) const {
  using Up = UpstreamStatus::State;
  UpstreamStatus row{
      .id = std::string(instance) + ".backplane",
      .transport = options_.address.path.empty() ? Transport::kTcp : Transport::kUnix,
      .configured = options_.address.text(),
      .error = trouble_,
      .opened = joined_};
  if (commands_) row.addresses = commands_->addresses();
  row.state = state_ == State::kTogether ? Up::kUp : trouble_.empty() ? Up::kUntried : Up::kFailed;
  row.active = state_ == State::kTogether ? 1 : 0;
  if (failed_ > 0) row.failed.emplace_back("other", failed_);
  return row;
}

void RedisBackplane::log(LogLevel level, std::string_view event, const std::string& message) const {
  context_->log.write(level, {.event = event, .message = message, .service = context_->instance});
}

}  // namespace polyport::services::chat
