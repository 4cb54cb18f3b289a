// RedisMissed: what was said while a process was away for longer than the wire remembers, from the
// histories of the rooms. It is given back in the order of the wire, and is bounded: the newest
// stays.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "services/chat/redis_entry.h"

namespace polyport::services::chat {

// How much is shown before the members' connections may write: what waits for a member is bounded,
// and whoever is told more than that at once would be out for it.
class RedisRound {
 public:
  static constexpr std::size_t kMost = 64;
  static constexpr std::size_t kMostBytes = 64 * 1024;

  bool is_over() const { return shown_ >= kMost || bytes_ >= kMostBytes; }
  void add(const Message& message) {
    ++shown_;
    bytes_ += message.text.size();
  }

 private:
  std::size_t shown_ = 0;
  std::size_t bytes_ = 0;
};

class RedisMissed {
 public:
  static constexpr std::size_t kRoomsAtOnce = 64;
  static constexpr std::size_t kMostBytes = 16 * 1024 * 1024;

  // What follows the wire's entry `since` up to `last`, which was the `count`th, in these rooms.
  RedisMissed(MessageId since, MessageId last, std::uint64_t count, std::vector<std::string> rooms)
      : since_(since), last_(last), count_(count), rooms_(std::move(rooms)) {}

  MessageId since() const { return since_; }
  MessageId last() const { return last_; }
  std::uint64_t count() const { return count_; }
  // The rooms to be asked next; take() for each is to follow. None: all is here.
  std::vector<std::string> next_rooms();
  // The answer about one room. True: it is that of the last one that was asked.
  bool take(const RedisReply& answer);
  // In their order; only when all is here.
  std::optional<RedisEntry> next();

  std::size_t bytes() const { return bytes_; }

 private:
  void add(RedisEntry entry);

  const MessageId since_;
  const MessageId last_;
  const std::uint64_t count_;
  std::vector<std::string> rooms_;  // still to be asked
  std::size_t open_ = 0;            // without an answer
  std::map<MessageId, RedisEntry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace polyport::services::chat
