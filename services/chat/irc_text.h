// The lines of IRC that the chat sends (RFC 2812; server-time of IRCv3).
//
// Everybody has the prefix nick!nick@chat, so that a line is the same for all who hear it and its
// length is known; WHOIS tells the true address. A text that does not fit a line goes in several.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "services/chat/event.h"
#include "services/chat/member.h"
#include "services/chat/room.h"

namespace polyport::services::chat {

inline constexpr std::string_view kIrcHost = "chat";

enum class IrcTime : std::uint8_t { kNone, kTagged };  // CAP server-time

// "ann!ann@chat"
std::string irc_prefix(std::string_view nick);
// A line, or several, with CR LF; empty where IRC has no words for it. `now_ms` for what has no
// time of its own.
std::string irc_text(const Event& event, IrcTime time, std::uint64_t now_ms);
// PRIVMSG or NOTICE of `message` to `target`.
std::string irc_text(const Message& message, std::string_view target, IrcTime time);

// ":chat 332 ann #lab :text" + CR LF; cut to 512 bytes at a character.
std::string irc_reply(std::string_view number, std::string_view nick, std::string_view rest);
std::string irc_notice(std::string_view nick, std::string_view text);

// The numbers of RFC 2812 section 5 that are used, by what they mean.
namespace irc {
inline constexpr std::string_view kWelcome = "001", kYourHost = "002", kCreated = "003",
                                  kMyInfo = "004", kSupport = "005", kUserMode = "221",
                                  kLusers = "251", kAway = "301", kUnAway = "305",
                                  kWhoisUser = "311", kWhoisServer = "312", kWhoisOperator = "313",
                                  kEndOfWho = "315", kWhoisHost = "378", kEndOfWhois = "318",
                                  kWhoisChannels = "319", kListStart = "321", kList = "322",
                                  kListEnd = "323", kChannelMode = "324", kCreationTime = "329",
                                  kNoTopic = "331", kTopic = "332", kTopicBy = "333",
                                  kVersion = "351", kWho = "352", kNames = "353",
                                  kEndOfNames = "366", kEndOfBans = "368", kMotd = "372",
                                  kMotdStart = "375", kEndOfMotd = "376", kYouAreOperator = "381",
                                  kTime = "391", kNoSuchNick = "401", kNoSuchChannel = "403",
                                  kCannotSend = "404", kTooManyChannels = "405",
                                  kInvalidCap = "410", kNoRecipient = "411", kNoText = "412",
                                  kUnknownCommand = "421", kNoNick = "431", kBadNick = "432",
                                  kNickInUse = "433", kNotInChannel = "441", kNotOnChannel = "442",
                                  kNotRegistered = "451", kNeedMore = "461", kRegistered = "462",
                                  kWrongPassword = "464", kUnknownMode = "472",
                                  kChannelFull = "471", kBadChannel = "476", kNotOperator = "481",
                                  kNotChannelOperator = "482", kNoOperators = "491",
                                  kUnknownUserMode = "501", kOtherUsersMode = "502";
}

}  // namespace polyport::services::chat
