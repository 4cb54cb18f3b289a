// Tally: everything a swarm counts while it runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/histogram.h"

namespace polyport::swarm {

struct Tally {
  static constexpr std::size_t kExamples = 3;

  // Sockets.
  std::uint64_t wanted = 0;
  std::uint64_t established = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason
  std::uint64_t reset = 0;                       // by the peer, after it was established
  std::map<std::string, std::uint64_t> closed;   // early in another way, by reason
  std::uint64_t wrong = 0;                       // sockets that got other bytes than they should
  std::uint64_t reopened = 0;         // after the server had ended one as its protocol allows
  std::uint64_t most_open = 0;        // at one time
  std::vector<std::string> examples;  // of what was refused or wrong

  // Messages.
  std::uint64_t due = 0;  // those that were to be sent
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;
  std::uint64_t unanswered = 0;  // sent, and nothing came within the time
  std::uint64_t unsent = 0;      // due, and their socket was gone or stuck
  std::uint64_t dropped = 0;     // datagrams not sent, on purpose
  std::uint64_t doubled = 0;     // datagrams that came again, or after their time
  std::uint64_t open_ended = 0;  // under way when a person ended it
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_verified = 0;

  // Nanoseconds.
  Histogram connect;     // from the time it was due to the connection
  Histogram handshake;   // from the connection to the end of TLS and WebSocket's handshakes
  Histogram first_byte;  // from the first message to the first byte that came back
  Histogram answer;      // from the time a message was due to its whole answer
  // From the time a message was due to its leaving, where nothing was in its way; without the first
  // ones of the sockets, which are due when they leave.
  Histogram late;
  std::int64_t opening_ns = 0;
  std::int64_t sending_ns = 0;

  bool interrupted = false;

  std::uint64_t refused_in_all() const { return sum(refused); }
  std::uint64_t closed_in_all() const { return sum(closed); }
  std::uint64_t messages_lost() const { return unanswered + unsent; }
  void add_example(std::string text) {
    const bool known = std::find(examples.begin(), examples.end(), text) != examples.end();
    if (!known && examples.size() < kExamples) examples.push_back(std::move(text));
  }
  // Whether anything was lost beyond `percent` of the messages that were meant to be sent.
  bool lost_more_than(double percent) const {
    const auto lost = static_cast<double>(messages_lost());
    return refused_in_all() + reset + closed_in_all() + wrong > 0 ||
           lost * 100 > percent * static_cast<double>(due - dropped);
  }

 private:
  static std::uint64_t sum(const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t all = 0;
    for (const auto& [reason, count] : counts)
      all += count;
    return all;
  }
};

}  // namespace polyport::swarm
