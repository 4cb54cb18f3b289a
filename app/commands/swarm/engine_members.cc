// What becomes of a socket of a swarm, and of its messages, whatever its kind.
#include <algorithm>

#include "app/commands/swarm/engine.h"

namespace polyport::swarm {

void Engine::open_member(Member& member, std::int64_t due_ns) {
  member.dial_due_ns = due_ns;
  if (member.target->is_datagram()) {
    open_datagram(member);
  } else {
    member.speech = make_speech(*member.target, plan_, member.index);
    dial(member);
  }
}

void Engine::opened(Member& member) {
  member.state = Member::State::kOpen;
  ++open_;
  tally_.most_open = std::max(tally_.most_open, open_);
}

void Engine::failed(Member& member, const std::string& reason, std::string example) {
  member.state = Member::State::kFailed;
  ++failed_;
  ++tally_.refused[reason];
  tally_.add_example(std::move(example));
}

// An open socket is open no more. What it owed stays unanswered.
void Engine::gone(Member& member) {
  member.state = Member::State::kGone;
  --open_;
  if (phase_ == Phase::kClosing || phase_ == Phase::kOver) return;
  for (const UnderWay& message : member.under_way) {
    if (message.answered) continue;
    ++tally_.unanswered;
    --owed_;
  }
  tally_.unsent += member.waiting();
  owed_ -= member.waiting();
  member.under_way.clear();
  member.sent = member.due;
  member.extra_due_ns = 0;
}

void Engine::wrong(Member& member, std::string what) {
  ++tally_.wrong;
  tally_.add_example(member.target->url + ": " + std::move(what));
}

void Engine::note_due(Member& member) {
  ++tally_.due;
  if (member.state == Member::State::kFailed || member.state == Member::State::kGone) {
    ++tally_.unsent;
    return;
  }
  ++member.due;
  ++owed_;
  pump(member);
}

void Engine::send_extra(Member& member, std::int64_t due_ns) {
  ++tally_.due;
  using State = Member::State;
  const bool lives = member.state == State::kOpen || member.state == State::kDialing ||
                     member.state == State::kResting;
  if (!lives || member.extra_due_ns != 0) {
    ++tally_.unsent;
    return;
  }
  member.extra_due_ns = due_ns;
  ++owed_;
  pump(member);
}

void Engine::pump(Member& member) {
  if (member.client != nullptr) {
    pump_datagram(member);
  } else if (Connection* connection = network_.find(member.id)) {
    if (!connection->ending()) pump_stream(member, *connection);
  } else if (member.state == Member::State::kResting) {
    --resting_;
    dial(member);
  }
}

std::optional<std::int64_t> Engine::next_due(const Member& member) const {
  if (member.extra_due_ns != 0) return member.extra_due_ns;
  if (member.sent == member.due) return std::nullopt;
  return sending_.due_ns(member.index + member.sent * members_.size());
}

void Engine::take_due(Member& member) {
  if (member.extra_due_ns != 0) {
    member.extra_due_ns = 0;
  } else {
    ++member.sent;
  }
}

// The first message of a socket is due when it leaves: it is no proof that others leave in time.
void Engine::note_late(const Member& member, std::int64_t due_ns, std::int64_t now) {
  const bool greets = member.extra_due_ns != 0 && !member.hello_said;
  if (greets) return;
  tally_.late.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - due_ns)));
}

void Engine::note_sent(Member& member, std::int64_t due_ns, std::size_t bytes, std::int64_t now) {
  const bool is_hello = !std::exchange(member.hello_said, true);
  ++tally_.sent;
  tally_.bytes_sent += bytes;
  if (is_hello) member.first_said_ns = now;
  // The first message meets a socket that is being opened; its time counts where it is the only
  // one.
  member.under_way.push_back({.due_ns = due_ns,
                              .sent_ns = now,
                              .counts = plan_.scheduled == 0 || phase_ != Phase::kOpening});
}

void Engine::note_first_byte(Member& member, std::int64_t now) {
  if (member.first_said_ns <= 0) return;
  tally_.first_byte.record(static_cast<std::uint64_t>(now - member.first_said_ns));
  member.first_said_ns = -1;
}

void Engine::note_answer(const UnderWay& message, std::int64_t now) {
  ++tally_.answered;
  --owed_;
  if (!message.counts) return;
  tally_.answer.record(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - message.due_ns)));
}

}  // namespace polyport::swarm
