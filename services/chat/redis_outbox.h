// RedisOutbox: what this process has to say to all, until Redis has certainly taken it.
//
// Each has a number; Redis gives the same id to the same number, so all that is here may be sent
// again after a connection was lost, in this order, and nothing is said twice. (Redis remembers the
// numbers for a day: see redis_scripts.h.)
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "services/chat/redis_entry.h"
#include "services/chat/store.h"

namespace polyport::services::chat {

class RedisOutbox {
 public:
  struct Unsent {
    std::uint64_t sequence = 0;
    RedisFields fields = {};
    std::string topic = {};               // of a topic: its line in `topics`
    std::string room = {};                // whose history it goes to, in lower case
    std::optional<Message> message = {};  // something said in a room: shown when its id is known
    std::uint64_t ticket = 0;             // of Bus::publish
    std::uint64_t provisional = 0;        // the number of "local-N"; 0: it has not been shown yet
    std::size_t bytes = 0;                // what it costs here; set by add()
    Store::Kept kept = {};                // where it was shown: who waits for its being kept
    std::uint64_t from = 0;               // of a direct message: the number of who wrote it
    std::string to = {};                  // and the name of whom it is for
    bool was_sent = false;                // Redis may have it
  };
  using All = std::deque<Unsent>;

  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

  bool is_full() const { return all_.size() >= kMost || bytes_ >= kMostBytes; }
  std::uint64_t next_sequence() const { return last_ + 1; }
  // Its sequence must be next_sequence().
  Unsent& add(Unsent unsent);
  Unsent* find(std::uint64_t sequence);
  Unsent* find_provisional(std::uint64_t number);
  // Nothing where it is not there (any more).
  std::optional<Unsent> take(std::uint64_t sequence);
  // Direct messages that Redis certainly does not have, in their order.
  std::vector<Unsent> take_private();
  // All before it have been answered.
  std::uint64_t first_sequence() const { return all_.empty() ? last_ + 1 : all_.front().sequence; }
  const All& all() const { return all_; }
  All& all() { return all_; }
  std::size_t bytes() const { return bytes_; }

 private:
  All::iterator at(std::uint64_t sequence);

  All all_;  // by sequence
  std::uint64_t last_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace polyport::services::chat
