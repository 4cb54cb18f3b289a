#include "app/commands/swarm/engine.h"

#include <algorithm>
#include <chrono>

namespace polyport::swarm {
namespace {

using std::chrono::milliseconds;

// Without a ramp so many connections are begun and not finished at a time: less than any backlog.
constexpr std::uint64_t kMostDialing = 128;
constexpr std::uint64_t kMostOpenedAtOnce = 256;
constexpr std::int64_t kFarewellNs = 5'000'000'000;

std::int64_t ns(milliseconds time) {
  return std::chrono::nanoseconds(time).count();
}

StreamPolicy policy_of(const SwarmOptions& options) {
  StreamPolicy policy;
  policy.write_timeout = policy.handshake_timeout = std::max(options.timeout, milliseconds(1'000));
  policy.write_high = 256 * 1024;
  policy.write_low = 64 * 1024;
  // An echo stops reading while nobody takes what it has to send: if we did the same, both would
  // wait for ever.
  policy.slow_reader = StreamPolicy::SlowReader::kDisconnect;
  policy.write_limit = 8 * 1024 * 1024;  // is never reached: nothing is sent above write_high
  return policy;
}

}  // namespace

Engine::Engine(Plan& plan)
    : plan_(plan),
      log_(Log::silent()),
      door_{"swarm", *this, policy_of(plan.options)},
      network_(loop_, *log_, events_),
      own_(loop_),
      timer_(loop_, [this] { tick(); }) {
  const std::uint32_t count = plan.options.count;
  tally_.wanted = count;
  for (auto& target : plan.targets) {
    if (!target->is_datagram()) add_dialer(*target);
  }
  members_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto member = std::make_unique<Member>();
    member->index = i;
    member->target = plan.targets[i % plan.targets.size()].get();
    if (member->target->scheme == Scheme::kChat) has_room_ = true;
    members_.push_back(std::move(member));
  }
}

Engine::~Engine() = default;

void Engine::run() {
  phase_began_ = now_ns();
  const std::int64_t ramp = ns(plan_.options.ramp);
  if (ramp > 0) {
    const double per_second =
        static_cast<double>(members_.size()) * 1e9 / static_cast<double>(ramp);
    opening_ = Pace(phase_began_, per_second, members_.size());
  }
  own_.begin_opening();
  timer_.start(milliseconds(0));
  loop_.run();
  own_.stop();
  network_.shut_down();
}

void Engine::interrupt() {
  if (phase_ == Phase::kClosing || phase_ == Phase::kOver) return;
  tally_.interrupted = true;
  enter(Phase::kClosing);
  timer_.start(milliseconds(0));
}

std::string_view Engine::phase() const {
  switch (phase_) {
    case Phase::kOpening:
      return "opening";
    case Phase::kSending:
      return "sending";
    case Phase::kHearing:
      return "waiting for answers";
    case Phase::kHolding:
      return "holding";
    case Phase::kLast:
      return "asking once more";
    case Phase::kClosing:
    case Phase::kOver:
      return "closing";
  }
  return {};
}

// --- phases --------------------------------------------------------------------------------------

void Engine::tick() {
  const std::int64_t now = now_ns();
  switch (phase_) {
    case Phase::kOpening:
      open_some(now);
      if (settled() == members_.size() && all_welcomed(now)) begin_sending();
      break;
    case Phase::kSending:
    case Phase::kLast:
      send_due(now);
      if (next_to_send_ == pace().total()) begin_hearing();
      break;
    case Phase::kHearing:
      if (all_heard() || now - phase_began_ > ns(plan_.options.timeout)) after_hearing();
      break;
    case Phase::kHolding:
      if (now - phase_began_ >= ns(plan_.options.hold)) begin_last();
      break;
    case Phase::kClosing:
      if (open_ == 0 || now - phase_began_ > kFarewellNs) finish();
      break;
    case Phase::kOver:
      return;
  }
  const bool has_any = open_ + dialing_ + resting_ > 0 || settled() < members_.size();
  if (phase_ != Phase::kOver && phase_ != Phase::kClosing && !has_any) {
    enter(Phase::kClosing);  // nobody is left
  }
  arm(now);
}

void Engine::arm(std::int64_t now) {
  milliseconds wait(1);
  if (phase_ == Phase::kHolding) {
    const std::int64_t left = phase_began_ + ns(plan_.options.hold) - now;
    wait = std::clamp(std::chrono::ceil<milliseconds>(std::chrono::nanoseconds(left)),
                      milliseconds(1), milliseconds(100));
  } else if (phase_ == Phase::kHearing || phase_ == Phase::kClosing) {
    wait = milliseconds(5);
  } else if (phase_ == Phase::kSending || phase_ == Phase::kLast) {
    const std::int64_t left = pace().due_ns(next_to_send_) - now;
    wait = std::clamp(std::chrono::floor<milliseconds>(std::chrono::nanoseconds(left)),
                      milliseconds(1), milliseconds(100));
  }
  if (phase_ == Phase::kOver) return;
  timer_.start(wait);
}

void Engine::enter(Phase phase) {
  const std::int64_t now = now_ns();
  if (phase_ == Phase::kOpening && all_open_ns_ == 0) end_opening(now);
  if (phase_ == Phase::kSending) {
    own_.end_sending();
    tally_.sending_ns = now - phase_began_;
  }
  phase_ = phase;
  phase_began_ = now;
  if (phase == Phase::kSending) own_.begin_sending();
  if (phase == Phase::kHolding) own_.rest();
  if (phase == Phase::kLast) own_.go_on();
  if (phase == Phase::kClosing) {
    count_missing();
    close_all();
  }
}

void Engine::open_some(std::int64_t now) {
  const bool paced = opening_.total() > 0;
  const std::uint64_t due = paced ? opening_.due_by(now) : members_.size();
  for (std::uint64_t n = 0; n < kMostOpenedAtOnce && next_to_open_ < due; ++n) {
    if (!paced && dialing_ >= kMostDialing) break;
    Member& member = *members_[next_to_open_];
    open_member(member, paced ? opening_.due_ns(next_to_open_) : now_ns());
    ++next_to_open_;
  }
}

// A chat's welcome is waited for behind it.
void Engine::end_opening(std::int64_t now) {
  all_open_ns_ = now;
  own_.end_opening();
  tally_.opening_ns = now - phase_began_;
}

// Whoever is not within the time will not hear everything, and is found at the end.
bool Engine::all_welcomed(std::int64_t now) {
  if (all_open_ns_ == 0) end_opening(now);
  if (!has_room_) return true;
  if (now - all_open_ns_ > ns(plan_.options.timeout)) return true;
  return std::all_of(members_.begin(), members_.end(), [](const auto& member) {
    const bool open = member->state == Member::State::kOpen;
    return !open || !member->speech || member->speech->welcomed();
  });
}

void Engine::begin_sending() {
  enter(Phase::kSending);
  // Those that could not say anything before all were there.
  for (auto& member : members_) {
    if (member->state != Member::State::kOpen || member->hello_said || !member->speech) continue;
    if (plan_.options.size() == 0 || plan_.scheduled > 0 || member->speech->says_hello()) continue;
    send_extra(*member, now_ns());
  }
  next_to_send_ = 0;
  sending_ = plan_.scheduled > 0 ? Pace(now_ns(), plan_.rate, plan_.scheduled) : Pace();
  if (plan_.scheduled == 0) begin_hearing();
}

void Engine::send_due(std::int64_t now) {
  const std::uint64_t due = pace().due_by(now);
  while (next_to_send_ < due) {
    const std::uint64_t message = next_to_send_++;
    Member& member = *members_[message % members_.size()];
    if (phase_ == Phase::kLast) {
      send_extra(member, last_.due_ns(message));
    } else {
      note_due(member);
    }
  }
}

void Engine::begin_hearing() {
  enter(Phase::kHearing);
}

void Engine::after_hearing() {
  const bool hold = plan_.options.hold.count() > 0 && !last_said_;
  enter(hold ? Phase::kHolding : Phase::kClosing);
}

// After a silence every socket says something once more: one that has died meanwhile is found.
void Engine::begin_last() {
  last_said_ = true;
  if (plan_.options.size() == 0) return enter(Phase::kClosing);
  enter(Phase::kLast);
  next_to_send_ = 0;
  const double per_second = std::max(plan_.rate, static_cast<double>(members_.size()));
  last_ = Pace(now_ns(), per_second, members_.size());
}

bool Engine::all_heard() {
  if (owed_ > 0) return false;
  if (!has_room_) return true;
  return std::none_of(members_.begin(), members_.end(), [](const auto& member) {
    return member->state == Member::State::kOpen && member->speech && member->speech->listens();
  });
}

void Engine::count_missing() {
  for (auto& member : members_) {
    if (member->state != Member::State::kOpen && member->state != Member::State::kDialing) continue;
    const auto answered = static_cast<std::uint64_t>(
        std::count_if(member->under_way.begin(), member->under_way.end(),
                      [](const UnderWay& message) { return message.answered; }));
    const std::uint64_t unanswered = member->under_way.size() - answered;
    if (tally_.interrupted) {
      tally_.open_ended += unanswered + member->waiting();
      continue;
    }
    tally_.unanswered += unanswered;
    tally_.unsent += member->waiting();
    const std::string missing = member->speech ? member->speech->last_word() : std::string();
    if (missing.empty() || member->state != Member::State::kOpen) continue;
    ++tally_.wrong;
    tally_.add_example(member->target->url + ": " + missing);
  }
}

void Engine::close_all() {
  for (const auto& dialer : network_.dialers())
    dialer->close();
  for (auto& member : members_) {
    if (member->client != nullptr) {
      std::exchange(member->client, nullptr)->close();
      gone(*member);
    } else if (Connection* connection = network_.find(member->id)) {
      connection->finish();
    }
  }
}

void Engine::finish() {
  phase_ = Phase::kOver;
  timer_.stop();
  loop_.stop();
}

}  // namespace polyport::swarm
