// The IRC door: from the first byte to the welcome (RFC 2812 section 3.1, IRCv3's CAP).
#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "services/chat/irc_door.h"

namespace polyport::services::chat {
namespace {

struct Capability {
  std::string_view name;
  IrcMember::Cap cap;
};
constexpr std::array<Capability, 2> kCapabilities = {
    {{"server-time", IrcMember::kServerTime}, {"echo-message", IrcMember::kEchoMessage}}};

const Capability* find_capability(std::string_view name) {
  for (const Capability& capability : kCapabilities) {
    if (capability.name == name) return &capability;
  }
  return nullptr;
}

std::string cap_line(std::string_view nick, std::string_view rest) {
  return irc_reply("CAP", nick, rest);
}

}  // namespace

void IrcDoor::capabilities(const Call& call) {
  const std::string_view what = call.parameter(0);
  IrcMember::Registration* const registration = call.member.registration();
  if (equals_ignoring_case(what, "LS")) {
    if (registration != nullptr) registration->negotiates = true;
    call.connection.send(cap_line(call.nick(), "LS :server-time echo-message"));
  } else if (equals_ignoring_case(what, "LIST")) {
    std::string list;
    for (const Capability& capability : kCapabilities) {
      if (!call.member.has(capability.cap)) continue;
      list.append(list.empty() ? "" : " ").append(capability.name);
    }
    call.connection.send(cap_line(call.nick(), "LIST :" + list));
  } else if (equals_ignoring_case(what, "REQ")) {
    if (registration != nullptr) registration->negotiates = true;
    request_capabilities(call);
  } else if (equals_ignoring_case(what, "END")) {
    if (registration == nullptr) return;
    registration->negotiates = false;
    try_to_register(call);
  } else {
    call.reply(irc::kInvalidCap, without_controls(what.substr(0, 32)) + " :LS, LIST, REQ or END");
  }
}

// All that is asked for, or nothing.
void IrcDoor::request_capabilities(const Call& call) {
  const std::string asked = without_controls(call.parameter(1));
  const auto names = split(trim(asked), ' ');
  const auto plain = [](std::string_view name) {
    return name.starts_with('-') ? name.substr(1) : name;
  };
  const bool known = std::all_of(names.begin(), names.end(), [&](std::string_view name) {
    return name.empty() || find_capability(plain(name)) != nullptr;
  });
  if (known) {
    for (const std::string_view name : names) {
      if (!name.empty()) call.member.set(find_capability(plain(name))->cap, !name.starts_with('-'));
    }
  }
  call.connection.send(cap_line(call.nick(), (known ? "ACK :" : "NAK :") + asked));
}

void IrcDoor::password(const Call& call) {
  IrcMember::Registration* const registration = call.member.registration();
  if (registration == nullptr) return call.reply(irc::kRegistered, ":you are registered already");
  registration->password = call.parameter(0);
}

void IrcDoor::nick(const Call& call) {
  const std::string_view wanted = call.parameter(0);
  if (wanted.empty()) return call.reply(irc::kNoNick, ":which nick?");
  IrcMember::Registration* const registration = call.member.registration();
  if (registration != nullptr) {
    // As other servers do; the length that is allowed is told too late for the first one.
    registration->nick = wanted.substr(0, hub_.rules().nick_bytes);
    return try_to_register(call);
  }
  if (!may_go_on(call, Hub::Cost::kTalk)) return;
  answer(call, hub_.rename(call.member, wanted), wanted);
}

void IrcDoor::user(const Call& call) {
  IrcMember::Registration* const registration = call.member.registration();
  if (registration == nullptr) return call.reply(irc::kRegistered, ":you are registered already");
  registration->has_user = true;
  try_to_register(call);
}

void IrcDoor::try_to_register(const Call& call) {
  IrcMember& member = call.member;
  IrcMember::Registration& registration = *member.registration();
  if (registration.nick.empty() || !registration.has_user || registration.negotiates) return;
  hub_.enter(member);
  const bool resumed = !registration.password.empty() && hub_.resume(member, registration.password);
  const Refusal refusal = resumed ? Refusal::kNone : hub_.rename(member, registration.nick);
  if (refusal != Refusal::kNone) {
    // Not in yet: the answers name it "*".
    hub_.leave(member, {}, Hub::Leave::kForGood);
    const std::string nick = std::exchange(registration.nick, {});
    return answer(call, refusal, nick);
  }
  member.end_registration();
  member.heard_since(call.connection.bytes_in());
  call.connection.clear_deadline();
  if (settings_.ping_interval.count() > 0) {
    call.connection.set_deadline(settings_.ping_interval, CloseReason::kIdleTimeout);
  }
  welcome(call);
}

void IrcDoor::welcome(const Call& call) {
  const Rules& rules = hub_.rules();
  const Place place = call.member.place();
  call.reply(irc::kWelcome, ":You are " + call.member.nick() + " from " + place.address +
                                ", through the " + place.door_text());
  call.reply(irc::kYourHost,
             ":Your host is " + std::string(kIrcHost) + ", running polyport " + POLYPORT_VERSION);
  call.reply(irc::kCreated, ":The same rooms are reached with nc and with a browser");
  call.reply(irc::kMyInfo, std::string(kIrcHost) + " polyport-" + POLYPORT_VERSION + " o o");
  call.reply(irc::kSupport, "CHANTYPES=# CASEMAPPING=ascii PREFIX=(o)@ CHANMODES=,,, CHANLIMIT=#:" +
                                std::to_string(rules.rooms_of_a_member) +
                                " NICKLEN=" + std::to_string(rules.nick_bytes) +
                                " CHANNELLEN=" + std::to_string(rules.room_bytes) +
                                " MAXTARGETS=4 NETWORK=polyport :are supported here");
  lusers(call);
  motd(call);
}

void IrcDoor::lusers(const Call& call) {
  call.reply(irc::kLusers, ":There are " + std::to_string(hub_.size()) + " members in " +
                               std::to_string(hub_.room_count()) + " rooms");
}

void IrcDoor::motd(const Call& call) {
  call.reply(irc::kMotdStart, ":- " + server_name_ + " -");
  call.reply(irc::kMotd,
             ":- most people are in " + hub_.rules().room + ": /join " + hub_.rules().room);
  call.reply(irc::kEndOfMotd, ":that is all");
}

}  // namespace polyport::services::chat
