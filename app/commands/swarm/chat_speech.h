// ChatSpeech: a member of a room of lines. What one says all must hear, once, in one order.
//
// Every line that it says names the run, the member and the number of the line, and fills up with
// the member's own sequence; "nick: " before it and notices ("* ...") are passed over. A room takes
// its members in when it likes: each one asks it something that costs next to nothing, and has been
// taken in when the first notice comes.
#pragma once

#include <optional>
#include <string>

#include "app/commands/swarm/speech.h"

namespace polyport::swarm {

// What the members of one room have in common; outlives their speeches.
struct ChatRoom {
  std::string token;  // of this run; somebody else may be in the room
  std::size_t line_bytes = 64;
  std::uint64_t said = 0;  // lines, by all members
  // Their order, in short, as the first who was asked has heard it.
  std::optional<std::uint64_t> order = {};
};

class ChatSpeech final : public Speech {
 public:
  static constexpr std::size_t kLeastLineBytes = 48;
  static constexpr std::size_t kMostLineBytes = 1'000;  // the services' own limit is 1 KiB

  ChatSpeech(ChatRoom& room, std::uint64_t member) : room_(room), member_(member) {}

  void greet(std::string& out) override;
  bool ready() const override { return welcomed_; }
  bool welcomed() const override { return welcomed_; }
  void say(std::string& out) override;
  Heard hear(Bytes bytes) override;
  std::size_t most_under_way() const override { return 16; }
  bool says_hello() const override { return false; }
  bool listens() const override { return heard_ < room_.said; }
  std::string last_word() const override;

 private:
  void take_line(Bytes line, Heard& heard);

  ChatRoom& room_;
  std::uint64_t member_;
  bool welcomed_ = false;
  std::uint64_t said_ = 0;
  std::uint64_t own_heard_ = 0;
  std::uint64_t heard_ = 0;  // lines of this run
  std::uint64_t order_ = 0;  // theirs, in short
  std::string line_;         // that has not ended
};

}  // namespace polyport::swarm
