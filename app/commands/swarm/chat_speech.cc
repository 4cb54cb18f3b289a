#include "app/commands/swarm/chat_speech.h"

#include <algorithm>
#include <optional>

#include "app/commands/swarm/pattern.h"
#include "core/base/text.h"

namespace polyport::swarm {
namespace {

constexpr std::size_t kMostLine = 8 * 1024;
// What a new member asks. A room that has no commands says it to everybody, the asker among them.
constexpr std::string_view kQuestion = "/plain off";

std::string line_head(const ChatRoom& room, std::uint64_t member, std::uint64_t number) {
  return room.token + "-" + std::to_string(member) + "-" + std::to_string(number) + " ";
}

// Without its end.
std::string line_text(const ChatRoom& room, std::uint64_t member, std::uint64_t number) {
  std::string text = line_head(room, member, number);
  const std::size_t filler = room.line_bytes - std::min(room.line_bytes, text.size() + 1);
  append_pattern(text, mix(member, number), 0, filler);
  return text;
}

// "12-7 …" after the token.
struct Said {
  std::uint64_t member = 0;
  std::uint64_t number = 0;
};
std::optional<Said> read_head(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::size_t blank = text.find(' ');
  if (dash == std::string_view::npos || blank == std::string_view::npos || dash > blank) return {};
  const auto member = parse_number<std::uint64_t>(text.substr(0, dash));
  const auto number = parse_number<std::uint64_t>(text.substr(dash + 1, blank - dash - 1));
  if (!member || !number) return {};
  return Said{*member, *number};
}

}  // namespace

void ChatSpeech::greet(std::string& out) {
  out.append(kQuestion).append("\n");
}

void ChatSpeech::say(std::string& out) {
  out.append(line_text(room_, member_, said_++)).append("\n");
  ++room_.said;
}

Heard ChatSpeech::hear(Bytes bytes) {
  Heard heard;
  while (!bytes.empty() && heard.wrong.empty()) {
    const std::size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (end == Bytes::npos) break;
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    take_line(line_, heard);
    line_.clear();
  }
  if (line_.size() > kMostLine) heard.wrong = "a line has no end";
  return heard;
}

void ChatSpeech::take_line(Bytes line, Heard& heard) {
  welcomed_ = welcomed_ || line.starts_with("* ") || line.find(kQuestion) != Bytes::npos;
  const std::size_t at = line.find(room_.token + "-");
  if (at == Bytes::npos) {
    if (line.starts_with("* too fast") || line.starts_with("* not sent")) {
      heard.wrong = "the room refuses a line: " + printable(line, 60);
    }
    return;
  }
  const Bytes text = line.substr(at);
  const auto said = read_head(text.substr(room_.token.size() + 1));
  if (!said || text != line_text(room_, said->member, said->number)) {
    heard.wrong = "a line came that nobody said: " + quoted(line, 60);
    return;
  }
  if (said->member == member_) {
    if (said->number != own_heard_ || own_heard_ >= said_) {
      heard.wrong = "its own line " + std::to_string(said->number) + " came instead of line " +
                    std::to_string(own_heard_);
      return;
    }
    ++own_heard_;
    ++heard.answers;
  }
  ++heard_;
  order_ = mix(order_ ^ said->member, said->number);
  heard.verified += text.size();
  if (heard_ > room_.said) heard.wrong = "more lines came than were said";
}

std::string ChatSpeech::last_word() const {
  if (!welcomed_) return "the room has never answered " + std::string(kQuestion);
  if (heard_ == room_.said) {
    if (!room_.order) room_.order = order_;
    return room_.order == order_ ? "" : "two members have heard the lines in different orders";
  }
  return "a member has heard " + std::to_string(heard_) + " of " + std::to_string(room_.said) +
         " lines";
}

}  // namespace polyport::swarm
