// The scripts that Redis runs for the chat: each is one step that happens wholly or not at all.
//
// What they keep, all under "polyport:chat:", in the database that `backplane` names:
//
//   wire          stream of everything that happens, in the order in which it happened to all; its
//                 ids are the ids of messages; each entry has a count, so that a reader sees where
//                 one was trimmed before it was read
//   entries       the count of the last entry
//   room:#NAME    stream of what was said in a room, under the same ids: its history
//   nodes         sorted set: the processes, by the time (ms) up to which they count as there
//   members:NODE  hash: its members by number; a record each (see redis_entry.h)
//   nick:SHAPE    who has a name: "NODE NUMBER", or "NODE held" for a while
//   counts        hash: members of each room, over all processes
//   topics        hash: topics of rooms
//   stays         set: rooms whose topic stays when nobody is in them
//   sent:NODE     hash: which id each of its latest messages got, so that one that is sent again,
//                 because the answer was lost, is not said twice; forgotten a day after the last
//   guests        the last number for a guest's name that was given out
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace polyport::services::chat {

inline constexpr std::string_view kRedisPrefix = "polyport:chat:";

// "polyport:chat:wire"
std::string redis_key(std::string_view name);
std::string redis_room_key(std::string_view room);

enum class RedisScript : std::uint8_t { kHello, kBeat, kMember, kGone, kSay, kBye, kWeed, kCount };
inline constexpr std::size_t kRedisScripts = static_cast<std::size_t>(RedisScript::kCount);

// The text of a script. KEYS[1] is the prefix; redis_backplane.cc has what else each is given.
std::string_view text_of(RedisScript script);

}  // namespace polyport::services::chat
