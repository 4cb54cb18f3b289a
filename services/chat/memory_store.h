// MemoryStore: history that ends with the process.
//
// Bounded four ways: messages of a room, their age, rooms, and bytes in all. Over the last two the
// oldest go, whichever room they are of.
#pragma once

#include <deque>
#include <unordered_map>

#include "services/chat/store.h"

namespace polyport::services::chat {

class Clock;

class MemoryStore final : public Store {
 public:
  struct Limits {
    std::size_t messages = 1000;            // of one room
    std::uint64_t age_ms = 24 * 3'600'000;  // 0: no limit
    std::size_t rooms = 1000;
    std::size_t bytes = 16 * 1024 * 1024;  // of nicks and texts, and a message's own size
  };

  MemoryStore(const Clock& clock, const Limits& limits) : clock_(clock), limits_(limits) {}

  void append(const Message& message, std::function<void(bool)> kept) override;
  void read(const HistoryQuestion& question, std::function<void(Page)> answer) override;
  std::size_t bytes() const { return bytes_; }

 private:
  using Messages = std::deque<Message>;

  bool too_old(const Message& message) const;
  void drop_oldest(Messages& messages);
  void make_room();

  const Clock& clock_;
  Limits limits_;
  std::unordered_map<std::string, Messages> rooms_;  // by name in lower case; none is empty
  std::size_t bytes_ = 0;
};

}  // namespace polyport::services::chat
