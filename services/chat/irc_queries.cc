// The IRC door: questions about members and rooms, and modes.
#include <algorithm>

#include "core/base/text.h"
#include "services/chat/irc_door.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostListed = 200;

// "#lab ann 127.0.0.1 chat ann H@ :0 127.0.0.1:51662, irc door 6667" (RPL_WHOREPLY)
std::string who_line(const Member& member, std::string_view room) {
  const Place place = member.place();
  std::string line(room);
  line += " " + member.nick() + " " + irc_host(place) + " " + std::string(kIrcHost) + " " +
          member.nick() + " H" + (member.is_operator() ? "*@" : "") + " :0 " + place.text();
  return line;
}

}  // namespace

void IrcDoor::names(const Call& call) {
  for (const std::string_view name : split(call.parameter(0), ',')) {
    const Room* room = hub_.find_room(name);
    if (room != nullptr) {
      call.connection.send(irc_names(call.nick(), *room));
    } else {
      const std::string word = without_controls(name.substr(0, 64));
      call.reply(irc::kEndOfNames, (word.empty() ? "*" : word) + " :that is everybody");
    }
  }
}

void IrcDoor::who(const Call& call) {
  const std::string_view mask = call.parameter(0);
  if (const Room* room = hub_.find_room(mask)) {
    const std::size_t listed = std::min(room->members.size(), kMostListed);
    for (std::size_t i = 0; i < listed; ++i)
      call.reply(irc::kWho, who_line(*room->members[i], room->name));
  } else if (const Member* member = hub_.find(mask)) {
    call.reply(irc::kWho, who_line(*member, "*"));
  }
  const std::string word = without_controls(mask.substr(0, 64));
  call.reply(irc::kEndOfWho, (word.empty() ? "*" : word) + " :that is everybody");
}

void IrcDoor::whois(const Call& call) {
  // "WHOIS server nick" asks the server of that nick.
  const std::string_view nick = call.parameter(call.message.count > 1 ? 1 : 0);
  const Member* member = hub_.find(nick);
  if (member == nullptr) {
    answer(call, Refusal::kNobody, nick);
  } else {
    const Place place = member->place();
    const std::string& name = member->nick();
    call.reply(irc::kWhoisUser,
               name + " " + name + " " + irc_host(place) + " * :through the " + place.door_text());
    call.reply(irc::kWhoisHost, name + " :is connecting from " + place.text());
    std::string rooms;
    for (const Room* room : member->rooms())
      rooms += (rooms.empty() ? "" : " ") + room->name;
    if (!rooms.empty()) call.reply(irc::kWhoisChannels, name + " :" + rooms);
    call.reply(irc::kWhoisServer, name + " " + std::string(kIrcHost) + " :" + server_name_);
    if (member->is_operator()) call.reply(irc::kWhoisOperator, name + " :is an operator");
  }
  const std::string word = without_controls(nick.substr(0, 64));
  call.reply(irc::kEndOfWhois, (word.empty() ? "*" : word) + " :that is all");
}

void IrcDoor::list(const Call& call) {
  std::vector<const Room*> rooms;
  if (call.parameter(0).starts_with('#')) {
    for (const std::string_view name : split(call.parameter(0), ','))
      if (const Room* room = hub_.find_room(name)) rooms.push_back(room);
  } else {
    hub_.for_each_room([&](const Room& room) { rooms.push_back(&room); });
    std::sort(rooms.begin(), rooms.end(), [](const Room* left, const Room* right) {
      return left->members.size() > right->members.size();
    });
  }
  call.reply(irc::kListStart, "Channel :Users  Topic");
  const std::size_t listed = std::min(rooms.size(), kMostListed);
  for (std::size_t i = 0; i < listed; ++i) {
    call.reply(irc::kList, rooms[i]->name + " " + std::to_string(rooms[i]->members.size()) + " :" +
                               rooms[i]->topic);
  }
  call.reply(irc::kListEnd, ":that is all");
}

// There are no modes: what clients ask for by themselves is answered, the rest refused.
void IrcDoor::mode(const Call& call) {
  const std::string_view target = call.parameter(0), what = call.parameter(1);
  if (!target.starts_with('#')) {
    if (!equals_ignoring_case(target, call.nick())) {
      return call.reply(irc::kOtherUsersMode, ":modes of others are none of yours");
    }
    if (what.empty()) return call.reply(irc::kUserMode, call.member.is_operator() ? "+o" : "+");
    // Clients ask for these after the welcome; they change nothing.
    if (what == "+i" || what == "+w" || what == "+x") return;
    return call.reply(irc::kUnknownUserMode, ":there are no such modes here");
  }
  const Room* room = hub_.find_room(target);
  if (room == nullptr) return answer(call, Refusal::kNoSuchRoom, target);
  if (what.empty()) return call.reply(irc::kChannelMode, room->name + " +n");
  if (what == "b" || what == "+b") {
    return call.reply(irc::kEndOfBans, room->name + " :nobody is banned here");
  }
  call.reply(irc::kNotChannelOperator, room->name + " :rooms have no modes here");
}

void IrcDoor::is_on(const Call& call) {
  std::string there;
  for (std::size_t i = 0; i < call.message.count; ++i) {
    for (const std::string_view nick : split(call.parameter(i), ' ')) {
      if (const Member* member = hub_.find(nick)) there += member->nick() + " ";
    }
  }
  call.reply("303", ":" + there);
}

void IrcDoor::userhost(const Call& call) {
  std::string there;
  for (std::size_t i = 0; i < std::min<std::size_t>(call.message.count, 5); ++i) {
    if (const Member* member = hub_.find(call.parameter(i))) {
      there += member->nick() + (member->is_operator() ? "*" : "") + "=+" + member->nick() + "@" +
               irc_host(member->place()) + " ";
    }
  }
  call.reply("302", ":" + there);
}

void IrcDoor::version(const Call& call) {
  call.reply(irc::kVersion, std::string("polyport-") + POLYPORT_VERSION + " " +
                                std::string(kIrcHost) + " :lines, browsers and IRC");
}

}  // namespace polyport::services::chat
