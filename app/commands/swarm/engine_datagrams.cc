// What a datagram socket of a swarm does.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/commands/swarm/engine.h"
#include "app/commands/swarm/pattern.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {

// The same dice for the same datagram: whether it is lost on purpose.
bool falls(std::uint64_t key, std::uint64_t number, double percent) {
  const auto die = static_cast<double>(mix(key ^ 0x5eed, number) >> 11) / 9007199254740992.0;
  return die * 100 < percent;
}

}  // namespace

void Engine::open_datagram(Member& member) {
  int error = 0;
  member.client = network_.open_udp_client(
      *this,
      {.peer = member.target->where.address,
       .session = &member,
       .source = member.target->source_of(member.index /
                                          static_cast<std::uint32_t>(plan_.targets.size()))},
      error);
  if (member.client == nullptr) {
    return failed(member, std::string(name(dial_error(error))),
                  member.target->where.text() + ": " + std::strerror(error));
  }
  const std::size_t size = std::max<std::size_t>(kLeastDatagram, plan_.options.size());
  member.talk.emplace(mix(plan_.seed, member.index), size);
  opened(member);
  ++opened_;
  ++tally_.established;
  if (plan_.options.size() > 0) send_extra(member, now_ns());
}

void Engine::pump_datagram(Member& member) {
  while (const auto due = next_due(member)) {
    const std::int64_t now = now_ns();
    note_late(member, *due, now);
    expire(member, now);
    take_due(member);
    const std::uint64_t number = member.first_number + member.under_way.size();
    if (falls(mix(plan_.seed, member.index), number, plan_.options.loss)) {
      ++tally_.dropped;
      --owed_;
      member.under_way.push_back({.answered = true});  // has a number, and nobody waits for it
      continue;
    }
    const std::string datagram = member.talk->say(number);
    note_sent(member, *due, datagram.size(), now);
    // A full buffer loses this one, as a network would; ECONNREFUSED tells of an earlier one.
    if (member.client->send(datagram) == ECONNREFUSED) on_error(*member.client, ECONNREFUSED);
    if (member.client == nullptr) return;
  }
}

// What has not come within the time is lost.
void Engine::expire(Member& member, std::int64_t now) {
  const std::int64_t patience = std::chrono::nanoseconds(plan_.options.timeout).count();
  auto& under_way = member.under_way;
  while (!under_way.empty()) {
    const UnderWay& first = under_way.front();
    if (!first.answered) {
      if (now - first.sent_ns <= patience) return;
      ++tally_.unanswered;
      --owed_;
    }
    under_way.pop_front();
    ++member.first_number;
  }
}

void Engine::on_answer(UdpClient& client, Bytes bytes) {
  const std::int64_t now = now_ns();
  Member& member = member_of(client.session());
  const auto number = member.talk->recognise(bytes);
  const std::uint64_t said = member.first_number + member.under_way.size();
  if (!number || *number >= said) {
    wrong(member, "a datagram came that was never sent: " + quoted(bytes, 40));
    std::exchange(member.client, nullptr)->close();
    return gone(member);
  }
  note_first_byte(member, now);
  tally_.bytes_verified += bytes.size();
  if (*number < member.first_number ||
      member.under_way[static_cast<std::size_t>(*number - member.first_number)].answered) {
    ++tally_.doubled;
    return;
  }
  UnderWay& message = member.under_way[static_cast<std::size_t>(*number - member.first_number)];
  message.answered = true;
  note_answer(message, now);
  expire(member, now);
}

void Engine::on_error(UdpClient& client, int error) {
  Member& member = member_of(client.session());
  if (error == ECONNREFUSED && member.state == Member::State::kOpen) {
    ++tally_.refused["refused"];
    tally_.add_example(member.target->where.text() + ": " + std::strerror(error));
    std::exchange(member.client, nullptr)->close();
    gone(member);
  }
}

}  // namespace polyport::swarm
