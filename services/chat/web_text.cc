#include "services/chat/web_text.h"

#include <algorithm>

#include "core/base/json_writer.h"

namespace polyport::services::chat {
namespace {

using Kind = Event::Kind;

// {"type": …, and what `fill` adds}.
template <class Fill>
std::string object(std::string_view type, Fill fill) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.field("type", type);
  fill(json);
  json.end_object();
  return out;
}

void write_place(JsonWriter& json, const Place& place) {
  json.field("address", place.address);
  json.field("door", place.door);
  json.field("port", place.port);
}

void write_message(JsonWriter& json, const Message& message) {
  json.field("id", message.id.text());
  json.field("time", message.time_ms);
  json.field("kind", name(message.kind));
  json.field("nick", message.nick);
  json.field("text", message.text);
}

void write_page(JsonWriter& json, const Page& page) {
  json.key("messages");
  json.begin_array();
  for (const Message& message : page.messages) {
    json.begin_object();
    write_message(json, message);
    json.end_object();
  }
  json.end_array();
  json.field("more", page.more);
}

void write_members(JsonWriter& json, const Room& room) {
  json.field("count", room.members.size());
  json.key("members");
  json.begin_array();
  const std::size_t listed = std::min(room.members.size(), kMostMembersListed);
  // From the last one on: whoever has just come finds itself in the list.
  for (std::size_t i = room.members.size() - listed; i < room.members.size(); ++i) {
    json.begin_object();
    json.field("nick", room.members[i]->nick());
    write_place(json, room.members[i]->place());
    json.end_object();
  }
  json.end_array();
}

void write_room_event(JsonWriter& json, const Event& event) {
  json.field("room", event.room->name);
  switch (event.kind) {
    case Kind::kMessage:
      return write_message(json, *event.message);
    case Kind::kJoined:
      json.field("nick", event.nick);
      write_place(json, event.from->place());
      return json.field("members", event.room->members.size());
    case Kind::kParted:
      json.field("nick", event.nick);
      return json.field("why", event.text);
    case Kind::kTopic:
      json.field("nick", event.nick);
      return json.field("topic", event.text);
    case Kind::kKicked:
      json.field("nick", event.other);
      json.field("by", event.nick);
      return json.field("why", event.text);
    case Kind::kPresence:
      json.field("came", event.came);
      json.field("left", event.left);
      return json.field("members", event.room->members.size());
    case Kind::kRenumbered:
      json.field("id", event.id.text());
      return json.field("new", event.new_id.text());
    default:
      return;
  }
}

std::string_view type_of(Kind kind) {
  switch (kind) {
    case Kind::kMessage:
      return "message";
    case Kind::kPrivate:
      return "private";
    case Kind::kJoined:
      return "joined";
    case Kind::kParted:
      return "parted";
    case Kind::kQuit:
      return "quit";
    case Kind::kNick:
      return "nick";
    case Kind::kTopic:
      return "topic";
    case Kind::kKicked:
      return "kicked";
    case Kind::kPresence:
      return "presence";
    case Kind::kNotice:
      return "notice";
    case Kind::kRenumbered:
      return "renumbered";
  }
  return {};
}

}  // namespace

std::string web_text(const Event& event) {
  return object(type_of(event.kind), [&](JsonWriter& json) {
    switch (event.kind) {
      case Kind::kPrivate:
        json.field("from", event.nick);
        json.field("to", event.other);
        json.field("kind", name(event.message->kind));
        json.field("time", event.message->time_ms);
        return json.field("text", event.message->text);
      case Kind::kQuit:
        json.field("nick", event.nick);
        return json.field("why", event.text);
      case Kind::kNick:
        json.field("nick", event.nick);
        return json.field("new", event.other);
      case Kind::kNotice:
        return json.field("text", event.text);
      default:
        return write_room_event(json, event);
    }
  });
}

std::string web_welcome(const Member& member, std::string_view token, const Rules& rules,
                        std::string_view server_name) {
  return object("welcome", [&](JsonWriter& json) {
    json.field("nick", member.nick());
    json.field("token", token);
    write_place(json, member.place());
    json.field("server", server_name);
    json.key("limits");
    json.begin_object();
    json.field("line_bytes", rules.line_bytes);
    json.field("nick_bytes", rules.nick_bytes);
    json.field("rooms", rules.rooms_of_a_member);
    json.field("lines_at_once", rules.talk.burst);
    json.field("lines_a_second", rules.talk.per_second);
    json.end_object();
  });
}

std::string web_room(const Room& room, const Page& page, Member::Replay replay) {
  return object("room", [&](JsonWriter& json) {
    json.field("room", room.name);
    json.field("topic", room.topic);
    write_members(json, room);
    json.field("missed", replay == Member::Replay::kMissed);
    write_page(json, page);
  });
}

std::string web_members(const Room& room) {
  return object("who", [&](JsonWriter& json) {
    json.field("room", room.name);
    write_members(json, room);
  });
}

std::string web_rooms(std::span<const Room* const> rooms) {
  return object("rooms", [&](JsonWriter& json) {
    json.key("rooms");
    json.begin_array();
    for (const Room* room : rooms) {
      json.begin_object();
      json.field("room", room->name);
      json.field("members", room->members.size());
      json.field("topic", room->topic);
      json.end_object();
    }
    json.end_array();
  });
}

std::string web_history(const Room& room, const Page& page) {
  return object("history", [&](JsonWriter& json) {
    json.field("room", room.name);
    write_page(json, page);
  });
}

std::string web_sent(const Message& message, std::string_view reference, bool kept) {
  return object("sent", [&](JsonWriter& json) {
    json.field("ref", reference);
    json.field("room", message.room);
    json.field("id", message.id.text());
    json.field("time", message.time_ms);
    json.field("kept", kept);
  });
}

std::string web_refused(std::string_view what, std::string_view text, std::string_view reference) {
  return object("refused", [&](JsonWriter& json) {
    json.field("what", what);
    json.field("text", text);
    if (!reference.empty()) json.field("ref", reference);
  });
}

std::string web_notice(std::string_view text) {
  return object("notice", [&](JsonWriter& json) { json.field("text", text); });
}

}  // namespace polyport::services::chat
