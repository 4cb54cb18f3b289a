// What the line door says of an event: in words for people, or plainly for programs.
//
// Plain lines (/plain) begin with a word for the kind and have one space between their fields; the
// last field may hold spaces. docs/chat.md lists them.
#pragma once

#include <string>
#include <string_view>

#include "services/chat/event.h"
#include "services/chat/member.h"

namespace polyport::services::chat {

enum class LineStyle : std::uint8_t {
  kHere,       // for people, about the room they are talking in
  kElsewhere,  // for people, about another room: it is named
  kPlain
};

// With CR LF; empty where there is nothing to say. Of events that say "you" to one of their readers
// (kPrivate, kParted, kKicked) `reader` is the one; else it is not looked at.
std::string line_text(const Event& event, LineStyle style, const Member& reader);
std::string line_text(const Message& message, LineStyle style);
// A line of the chat's own: "* text" or "chat text", with CR LF.
std::string line_notice(std::string_view text, LineStyle style);

}  // namespace polyport::services::chat
