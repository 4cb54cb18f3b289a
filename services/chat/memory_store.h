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

  void append(const Message& message, Kept kept) override;
  void read(const HistoryQuestion& question, std::function<void(Page)> answer) override;
  Page page(const HistoryQuestion& question);
  std::size_t bytes() const { return bytes_; }
  // What was said before it is too old; 0: nothing is.
  std::uint64_t oldest_ms() const;

  // --- for a store that has more elsewhere -------------------------------------------------------
  // Whether messages older than those here may be part of the answer.
  bool may_lack(const HistoryQuestion& question) const;
  // Of the room there is more elsewhere, older than all that is here; of every room that is not.
  void mark_cut(const std::string& room);
  void mark_others_cut() { others_cut_ = true; }

 private:
  struct Messages {
    std::deque<Message> all;
    bool cut = false;  // some that were not too old have gone, or never were here
  };

  bool too_old(const Message& message) const;
  void drop_oldest(Messages& messages);
  void make_room();

  const Clock& clock_;
  Limits limits_;
  std::unordered_map<std::string, Messages> rooms_;  // by name in lower case; none is empty
  std::size_t bytes_ = 0;
  bool others_cut_ = false;  // as `cut`, of the rooms that are not in rooms_
};

}  // namespace polyport::services::chat
