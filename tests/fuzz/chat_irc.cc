// Fuzzes the chat's IRC door: lines must not depend on how bytes are cut, parameters lie in their
// line, and a text of any length goes out in lines that IRC can carry, nothing lost.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/irc_message.h"
#include "services/chat/irc_text.h"

using namespace polyport;
using namespace polyport::services::chat;

namespace {

using Items = std::vector<std::pair<IrcItem::Kind, std::string>>;

void check(std::string_view line) {
  const auto message = parse_irc(line);
  if (!message) return;
  POLYPORT_ASSERT(!message->command.empty() && message->count <= IrcMessage::kMostParameters);
  for (std::size_t i = 0; i < message->count; ++i) {
    const std::string_view one = message->parameters[i];
    POLYPORT_ASSERT(one.empty() || (one.data() >= line.data() &&
                                    one.data() + one.size() <= line.data() + line.size()));
  }
}

Items read(Bytes input, std::size_t piece) {
  IrcReader reader;
  Items items;
  while (!input.empty()) {
    Bytes part = input.substr(0, piece);
    input.remove_prefix(part.size());
    while (const auto item = reader.next(part)) {
      items.emplace_back(item->kind, item->text);
      if (item->kind == IrcItem::Kind::kTls) return items;  // the door closes it
      check(item->text);
    }
  }
  return items;
}

// The text after " :" of each line, in one.
std::string carried(std::string_view lines, std::size_t head) {
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    POLYPORT_ASSERT(end != std::string_view::npos && end <= 510 && end > head);
    POLYPORT_ASSERT(is_utf8(lines.substr(0, end)));
    text += lines.substr(head, end - head);
    lines.remove_prefix(end + 2);
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(reinterpret_cast<const char*>(data), size);
  const Items items = read(input, input.size());
  POLYPORT_ASSERT(items == read(input, 1));
  POLYPORT_ASSERT(items == read(input, 13));
  if (const auto text = clean(input)) {
    const Message message{.nick = "ann", .text = *text};
    const std::string head = ":ann!ann@chat PRIVMSG #lab :";
    POLYPORT_ASSERT(carried(irc_text(message, "#lab", IrcTime::kNone), head.size()) == *text);
  }
  return 0;
}
