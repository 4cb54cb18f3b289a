#include "services/chat/redis_scripts.h"

#include <string>

#include "core/base/assert.h"
#include "core/base/text.h"

namespace polyport::services::chat {
namespace {

// What several of them need. A record is six lines: nick, shape, door, port, address, rooms.
constexpr std::string_view kCommon = R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local P = KEYS[1]
local WIRE = P .. 'wire'
local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function tell(...)
  local count = redis.call('INCR', P .. 'entries')
  return redis.call('XADD', WIRE, 'MAXLEN', '~', '50000', '*', 'w', count, ...)
end
local function fields(record)
  local all = {}
  for line in string.gmatch(record .. '\n', '(.-)\n') do all[#all + 1] = line end
  return all
end
local function rooms_of(record)
  local rooms = {}
  if record then
    for room in string.gmatch(fields(record)[6] or '', '%S+') do rooms[string.lower(room)] = true end
  end
  return rooms
end
local function count(before, after)
  for room in pairs(after) do
    if not before[room] then redis.call('HINCRBY', P .. 'counts', room, 1) end
  end
  for room in pairs(before) do
    if not after[room] and redis.call('HINCRBY', P .. 'counts', room, -1) <= 0 then
      redis.call('HDEL', P .. 'counts', room)
      if redis.call('SISMEMBER', P .. 'stays', room) == 0 then
        redis.call('HDEL', P .. 'topics', room)
      end
    end
  end
end
local function release(shape, owner)
  if redis.call('GET', P .. 'nick:' .. shape) == owner then redis.call('DEL', P .. 'nick:' .. shape) end
end
local function end_node(node, why)
  local members = redis.call('HGETALL', P .. 'members:' .. node)
  for i = 1, #members, 2 do
    count(rooms_of(members[i + 1]), {})
    release(fields(members[i + 1])[2] or '', node .. ' ' .. members[i])
  end
  redis.call('DEL', P .. 'members:' .. node)
  redis.call('ZREM', P .. 'nodes', node)
  tell('t', 'lost', 'n', node, 'why', why)
end
local function end_late_nodes(time)
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', P .. 'nodes', '-inf', '(' .. time)) do
    end_node(node, 'its server is gone')
  end
end
)lua";

// ARGV: node, timeout ms, last id seen, how many guest numbers, the room whose topic stays, numbers
// of members that are there … Answers: last id, oldest id of the wire, first guest number (0: none
// wanted), {node, number, record, …}, {room, topic, …}, the count of the last entry.
constexpr std::string_view kHello = R"lua(
local node, timeout, seen = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local time = now()
end_late_nodes(time)
redis.call('ZADD', P .. 'nodes', time + timeout, node)
redis.call('SADD', P .. 'stays', ARGV[5])
local there = {}
for i = 6, #ARGV do there[ARGV[i]] = true end
for _, number in ipairs(redis.call('HKEYS', P .. 'members:' .. node)) do
  if not there[number] then
    local record = redis.call('HGET', P .. 'members:' .. node, number)
    count(rooms_of(record), {})
    release(fields(record)[2] or '', node .. ' ' .. number)
    redis.call('HDEL', P .. 'members:' .. node, number)
    tell('t', 'gone', 'n', node, 'm', number, 'why', 'left')
  end
end
-- Ids go on where they were, also for a Redis that has lost its data or whose clock is late.
local function less(a, b)
  local a1, a2 = string.match(a, '^(%d+)-(%d+)$')
  local b1, b2 = string.match(b, '^(%d+)-(%d+)$')
  if #a1 ~= #b1 then return #a1 < #b1 end
  if a1 ~= b1 then return a1 < b1 end
  if #a2 ~= #b2 then return #a2 < #b2 end
  return a2 < b2
end
local last = tell('t', 'hello', 'n', node)
if not less(seen, last) then
  redis.call('XDEL', WIRE, last)
  local ms, number = string.match(seen, '^(%d+)-(%d+)$')
  last = redis.call('XADD', WIRE, string.format('%.0f-0', tonumber(ms) + 1), 'w',
                    redis.call('GET', P .. 'entries'), 't', 'hello', 'n', node)
end
local first = redis.call('XRANGE', WIRE, '-', '+', 'COUNT', '1')[1][1]
local guests = 0
if ARGV[4] ~= '0' then guests = redis.call('INCRBY', P .. 'guests', ARGV[4]) - tonumber(ARGV[4]) + 1 end
local others = {}
for _, other in ipairs(redis.call('ZRANGE', P .. 'nodes', 0, -1)) do
  if other ~= node then
    local members = redis.call('HGETALL', P .. 'members:' .. other)
    for i = 1, #members, 2 do
      others[#others + 1] = other
      others[#others + 1] = members[i]
      others[#others + 1] = members[i + 1]
    end
  end
end
return {last, first, guests, others, redis.call('HGETALL', P .. 'topics'),
        tonumber(redis.call('GET', P .. 'entries'))}
)lua";

// ARGV: node, timeout ms, how many guest numbers (0: none). Answers: 1, or 0 where Redis knows no
// such node any more; and the first guest number.
constexpr std::string_view kBeat = R"lua(
local time = now()
if not redis.call('ZSCORE', P .. 'nodes', ARGV[1]) then return {0, 0} end
redis.call('ZADD', P .. 'nodes', time + tonumber(ARGV[2]), ARGV[1])
end_late_nodes(time)
local guests = 0
if ARGV[3] ~= '0' then guests = redis.call('INCRBY', P .. 'guests', ARGV[3]) - tonumber(ARGV[3]) + 1 end
return {1, guests}
)lua";

// ARGV: node, number, record, why (of rooms it has left). Answers "ok", "taken" (the name is
// somebody else's; nothing is changed), "unknown" (the node is).
constexpr std::string_view kMember = R"lua(
local node, number, record, why = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local members, owner = P .. 'members:' .. node, node .. ' ' .. number
if not redis.call('ZSCORE', P .. 'nodes', node) then return 'unknown' end
local shape = fields(record)[2]
local had = redis.call('GET', P .. 'nick:' .. shape)
if had and had ~= owner then
  local other = string.match(had, '^%S+')
  local until_ms = other ~= node and redis.call('ZSCORE', P .. 'nodes', other)
  if until_ms and tonumber(until_ms) >= now() then return 'taken' end
end
local before = redis.call('HGET', members, number)
if had ~= owner or before ~= record then redis.call('SET', P .. 'nick:' .. shape, owner) end
if before == record then return 'ok' end
if before and fields(before)[2] ~= shape then release(fields(before)[2] or '', owner) end
redis.call('HSET', members, number, record)
count(rooms_of(before), rooms_of(record))
tell('t', 'member', 'n', node, 'm', number, 'record', record, 'why', why)
return 'ok'
)lua";

// ARGV: node, number, why, for how long its name is held (ms).
constexpr std::string_view kGone = R"lua(
local node, number = ARGV[1], ARGV[2]
local members, owner = P .. 'members:' .. node, node .. ' ' .. number
local before = redis.call('HGET', members, number)
if not before then return 'ok' end
redis.call('HDEL', members, number)
count(rooms_of(before), {})
local nick = P .. 'nick:' .. (fields(before)[2] or '')
if redis.call('GET', nick) == owner then
  if ARGV[4] == '0' then
    redis.call('DEL', nick)
  else
    redis.call('SET', nick, node .. ' held', 'PX', ARGV[4])
  end
end
tell('t', 'gone', 'n', node, 'm', number, 'why', ARGV[3])
return 'ok'
)lua";

// ARGV: node, its number of this message, the last number whose answer it has, room in lower case
// (empty: not for a room's history), messages kept of a room, for how long (ms; 0: for ever),
// topic (of t = topic), then the fields. Answers the id; the same again for the same number.
constexpr std::string_view kSay = R"lua(
local sent = P .. 'sent:' .. ARGV[1]
local id = redis.call('HGET', sent, ARGV[2])
if id then return id end
local room, kept, age = ARGV[4], ARGV[5], ARGV[6]
local entry = {}
for i = 8, #ARGV do entry[#entry + 1] = ARGV[i] end
id = tell(unpack(entry))
if room ~= '' and entry[2] == 'topic' then
  redis.call('HSET', P .. 'topics', room, ARGV[7])
elseif room ~= '' and kept ~= '0' then
  local key = P .. 'room:' .. room
  local added = redis.pcall('XADD', key, 'MAXLEN', '~', kept, id, unpack(entry))
  if type(added) == 'table' and added.err then
    -- Another program has put something there that claims to be of the future: out with it.
    redis.call('DEL', key)
    redis.call('XADD', key, id, unpack(entry))
  end
  if age ~= '0' then redis.call('PEXPIRE', key, age) end
end
local floor = tonumber(redis.call('HGET', sent, 'floor') or '1')
local answered = tonumber(ARGV[3])
for number = floor, answered do redis.call('HDEL', sent, string.format('%.0f', number)) end
if answered >= floor then redis.call('HSET', sent, 'floor', string.format('%.0f', answered + 1)) end
redis.call('HSET', sent, ARGV[2], id)
redis.call('PEXPIRE', sent, '86400000')
return id
)lua";

// ARGV: node, why.
constexpr std::string_view kBye = R"lua(
end_node(ARGV[1], ARGV[2])
redis.call('DEL', P .. 'sent:' .. ARGV[1])
return 'ok'
)lua";

// Answers how many entries it has deleted.
constexpr std::string_view kWeed = R"lua(
local deleted = 0
local function weed(key)
  local from = '-'
  while true do
    local entries = redis.call('XRANGE', key, from, '+', 'COUNT', '100')
    for _, entry in ipairs(entries) do
      local size = 0
      for _, text in ipairs(entry[2]) do size = size + #text end
      if size > 262144 then deleted = deleted + redis.call('XDEL', key, entry[1]) end
    end
    if #entries < 100 then return end
    local ms, number = string.match(entries[100][1], '^(%d+)-(%d+)$')
    from = ms .. '-' .. string.format('%.0f', tonumber(number) + 1)
  end
end
weed(WIRE)
local cursor = '0'
repeat
  local found = redis.call('SCAN', cursor, 'MATCH', P .. 'room:*', 'COUNT', '1000')
  cursor = found[1]
  for _, key in ipairs(found[2]) do weed(key) end
until cursor == '0'
return deleted
)lua";

std::string with_common(std::string_view script) {
  return std::string(kCommon) + std::string(script);
}

}  // namespace

std::string redis_key(std::string_view name) {
  return std::string(kRedisPrefix) + std::string(name);
}

std::string redis_room_key(std::string_view room) {
  return redis_key("room:" + to_lower(room));
}

std::string_view text_of(RedisScript script) {
  static const std::array<std::string, kRedisScripts> kTexts = {
      with_common(kHello), with_common(kBeat), with_common(kMember), with_common(kGone),
      with_common(kSay),   with_common(kBye),  with_common(kWeed)};
  const auto index = static_cast<std::size_t>(script);
  POLYPORT_ASSERT(index < kTexts.size());
  return kTexts[index];
}

}  // namespace polyport::services::chat
