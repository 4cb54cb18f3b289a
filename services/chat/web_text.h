// The JSON messages of the web door, from the server to the page (docs/chat.md lists them).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "services/chat/event.h"
#include "services/chat/member.h"
#include "services/chat/refusal.h"
#include "services/chat/rules.h"

namespace polyport::services::chat {

// Listed of a room's members at most.
inline constexpr std::size_t kMostMembersListed = 200;

// The same for everybody who hears of it.
std::string web_text(const Event& event);

std::string web_welcome(const Member& member, std::string_view token, const Rules& rules,
                        std::string_view server_name);
// The room as it is for somebody who is in it now.
std::string web_room(const Room& room, const Page& page, Member::Replay replay);
std::string web_members(const Room& room);
std::string web_rooms(std::span<const Room* const> rooms);
std::string web_history(const Room& room, const Page& page);
std::string web_sent(const Message& message, std::string_view reference, bool kept);
// `what` is for programs, `text` for people; without a reference where that is empty.
std::string web_refused(std::string_view what, std::string_view text, std::string_view reference);
std::string web_notice(std::string_view text);

}  // namespace polyport::services::chat
