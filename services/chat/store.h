// Store: where the history of the rooms is kept.
//
// The hub asks; a store answers by calling back on the loop's thread, at once or later. What came
// in by `append` before a question's answer is given is part of that answer, written or not: so the
// hub may let a member in with the answer in hand and miss nothing. An answer that cannot be had is
// an empty page, never silence.
#pragma once

#include <functional>
#include <string>

#include "services/chat/message.h"

namespace polyport::services::chat {

struct HistoryQuestion {
  enum class Which : std::uint8_t { kLast, kBefore, kAfter };
  static constexpr std::size_t kMost = 500;  // messages in one answer

  std::string room = {};
  Which which = Which::kLast;
  MessageId id = {};  // of kBefore and kAfter; it need not exist (any more)
  std::size_t most = 20;
};

class Store {
 public:
  virtual ~Store() = default;
  // True: nobody hears a message before it is kept, for hearing it is the promise; `kept` comes in
  // the order of append(), and an answer of read() has no message that was not kept before it.
  virtual bool tells_when_kept() const { return false; }
  // False: so much waits already that nothing more is to be said.
  virtual bool takes_more() const { return true; }
  // With the message as it is kept, its id final; false where it cannot be kept.
  using Kept = std::function<void(const Message& message, bool is_kept)>;
  // Ids rise within a room. `kept` is called once the message is kept as this store promises to
  // keep (a store on disk: once it is there). May be empty.
  virtual void append(const Message& message, Kept kept) = 0;
  virtual void read(const HistoryQuestion& question, std::function<void(Page)> answer) = 0;
};

}  // namespace polyport::services::chat
