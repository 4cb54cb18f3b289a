// What a stream socket of a swarm does.
#include <algorithm>

#include "app/commands/swarm/engine.h"

namespace polyport::swarm {

// The lowest stage: it sees when the socket is connected, and that the handshakes above begin.
class Engine::ConnectedMark final : public Stage {
 public:
  class Maker final : public StageMaker {
   public:
    std::unique_ptr<Stage> make() override { return std::make_unique<ConnectedMark>(); }
  };

  std::string_view name() const override { return "connected"; }
  std::size_t idle_bytes() const override { return sizeof *this; }

 protected:
  void start() override {
    member_of(connection().session()).connected_ns = now_ns();
    pass_open();
  }
  void receive(Bytes bytes) override { pass_up(bytes); }
  void send(const iovec* pieces, std::size_t count) override { pass_down(pieces, count); }
};

void Engine::add_dialer(Target& target) {
  target.dialer = &network_.add_dialer(door_, "swarm");
  if (target.stages.empty()) return;
  marks_.push_back(std::make_unique<ConnectedMark::Maker>());
  StageMakers makers{marks_.back().get()};
  for (const auto& maker : target.stages)
    makers.push_back(maker.get());
  target.dialer->use_stages(std::move(makers));
}

void Engine::dial(Member& member) {
  member.state = Member::State::kDialing;
  member.connected_ns = 0;
  ++dialing_;
  member.target->dialer->dial({.targets = {member.target->where},
                               .timeout = plan_.options.timeout,
                               .source = member.target->source_of(
                                   member.index / static_cast<std::uint32_t>(plan_.targets.size())),
                               .session = &member});
}

void Engine::on_dial_failed(const DialFailure& failure) {
  Member& member = member_of(failure.session);
  --dialing_;
  if (phase_ == Phase::kClosing || phase_ == Phase::kOver) return;
  const bool first_time = member.id.generation == 0;
  if (first_time) {
    failed(member, std::string(name(failure.error())), failure.text());
  } else {  // it was open before, and its server had ended that
    member.state = Member::State::kOpen;
    ++open_;
    ++tally_.closed["not_reopened"];
    tally_.add_example(failure.text());
    gone(member);
  }
}

void Engine::on_open(Connection& connection) {
  const std::int64_t now = now_ns();
  Member& member = member_of(connection.session());
  --dialing_;
  const bool first_time = member.id.generation == 0;
  member.id = connection.id();
  opened(member);
  if (!first_time) {
    ++tally_.reopened;
    member.speech->begin_again();
    return pump_stream(member, connection);
  }
  ++opened_;
  ++tally_.established;
  const std::int64_t connected = member.connected_ns == 0 ? now : member.connected_ns;
  tally_.connect.record(
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, connected - member.dial_due_ns)));
  if (member.connected_ns != 0) {
    tally_.handshake.record(static_cast<std::uint64_t>(now - member.connected_ns));
  }
  scratch_.clear();
  member.speech->greet(scratch_);
  if (!scratch_.empty()) connection.send(scratch_);
  if (plan_.options.size() > 0 && member.speech->says_hello()) send_extra(member, now);
}

void Engine::pump_stream(Member& member, Connection& connection) {
  Speech& speech = *member.speech;
  while (speech.ready() && !connection.is_congested() &&
         member.under_way.size() < speech.most_under_way()) {
    const auto due = next_due(member);
    if (!due) return;
    const std::int64_t now = now_ns();
    if (member.under_way.empty() && member.waiting() == 1) note_late(member, *due, now);
    take_due(member);
    scratch_.clear();
    speech.say(scratch_);
    note_sent(member, *due, scratch_.size(), now);
    connection.send(scratch_);
    if (connection.ending()) return;
  }
}

// After something wrong the member has no speech: it is told once, what follows is of no use.
void Engine::note_heard(Member& member, const Heard& heard, std::int64_t now) {
  tally_.bytes_verified += heard.verified;
  for (std::uint32_t i = 0; i < heard.answers && !member.under_way.empty(); ++i) {
    note_answer(member.under_way.front(), now);
    member.under_way.pop_front();
  }
  if (heard.wrong.empty()) return;
  wrong(member, heard.wrong);
  member.speech.reset();
}

void Engine::on_data(Connection& connection, Bytes data) {
  const std::int64_t now = now_ns();
  Member& member = member_of(connection.session());
  note_first_byte(member, now);
  if (phase_ == Phase::kClosing) return;
  const Heard heard = member.speech->hear(data);
  note_heard(member, heard, now);
  if (!member.speech) return connection.reset();
  pump_stream(member, connection);
}

void Engine::on_writable(Connection& connection) {
  Member& member = member_of(connection.session());
  if (member.speech && phase_ != Phase::kClosing) pump_stream(member, connection);
}

// The peer may have ended it here; what that answers is heard.
bool Engine::may_end(Member& member, CloseReason reason) {
  if (reason != CloseReason::kPeerClosed) return false;
  note_heard(member, member.speech->hear_end(), now_ns());
  return member.speech && member.speech->may_be_closed() && member.under_way.empty();
}

void Engine::on_close(Connection& connection, CloseReason reason) {
  Member& member = member_of(connection.session());
  if (phase_ != Phase::kClosing && phase_ != Phase::kOver && member.speech) {
    if (may_end(member, reason)) {
      --open_;
      if (member.waiting() > 0) return dial(member);
      member.state = Member::State::kResting;  // a server closes those that say nothing
      ++resting_;
      return;
    }
    if (!member.speech) return gone(member);  // counted as wrong
    if (reason == CloseReason::kResetByPeer) {
      ++tally_.reset;
    } else {
      ++tally_.closed[std::string(name(reason))];
    }
  }
  gone(member);
}

}  // namespace polyport::swarm
