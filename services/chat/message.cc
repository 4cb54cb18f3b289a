#include "services/chat/message.h"

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

constexpr std::string_view kProvisional = "local-";

}  // namespace

std::string MessageId::text() const {
  if (is_provisional()) return std::string(kProvisional) + std::to_string(number);
  return std::to_string(ms) + "-" + std::to_string(number);
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  if (text.starts_with(kProvisional)) {
    const auto number = parse_number<std::uint64_t>(text.substr(kProvisional.size()), 1);
    if (!number) return std::nullopt;
    return provisional(*number);
  }
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto ms = parse_number<std::uint64_t>(text.substr(0, dash), 1);
  const auto number = parse_number<std::uint64_t>(text.substr(dash + 1));
  if (!ms || !number) return std::nullopt;
  return MessageId{*ms, *number};
}

std::string_view name(Message::Kind kind) {
  switch (kind) {
    case Message::Kind::kSay:
      return "say";
    case Message::Kind::kAct:
      return "act";
    case Message::Kind::kNotice:
      return "notice";
  }
  POLYPORT_ASSERT(false);
  return {};
}

void keep_newest(Page& page, std::size_t most) {
  if (page.messages.size() <= most) return;
  page.more = true;
  page.messages.erase(page.messages.begin(),
                      page.messages.end() - static_cast<std::ptrdiff_t>(most));
}

std::size_t cost(const Message& message) {
  return sizeof message + message.room.size() + message.nick.size() + message.text.size();
}

}  // namespace polyport::services::chat
