#include "services/chat/history_file.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/base/text.h"
#include "services/chat/clean.h"
#include "services/chat/sqlite_file.h"

namespace polyport::services::chat {
namespace {

using Step = SqliteStatement::Step;

constexpr std::int32_t kApplicationId = 0x706f6c79;  // "poly"
constexpr std::int64_t kForgottenAtOnce = 1'000;
constexpr std::uint64_t kAgeEveryMs = 60'000;
constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

// From an empty file to the first schema, and from each to the next.
constexpr const char* kSteps[] = {
    "CREATE TABLE rooms (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL)"
    " STRICT;"
    "CREATE TABLE messages (room INTEGER NOT NULL, ms INTEGER NOT NULL, number INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, nick TEXT NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY (room, ms, number)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX messages_by_time ON messages (ms, number);"};

constexpr std::string_view kInsert =
    "INSERT INTO messages (room, ms, number, kind, nick, text) VALUES (?, ?, ?, ?, ?, ?)";
constexpr std::string_view kAddRoom = "INSERT INTO rooms (key, name) VALUES (?, ?) RETURNING id";
constexpr std::string_view kBefore =
    "SELECT ms, number, kind, nick, text FROM messages WHERE room = ?1 AND (ms, number) < (?2, ?3)"
    " AND ms >= ?4 ORDER BY ms DESC, number DESC LIMIT ?5";
constexpr std::string_view kAfter =
    "SELECT ms, number, kind, nick, text FROM messages WHERE room = ?1 AND (ms, number) > (?2, ?3)"
    " AND ms >= ?4 ORDER BY ms DESC, number DESC LIMIT ?5";
constexpr std::string_view kForgetOverCount =
    "DELETE FROM messages WHERE room = ?1 AND (ms, number) IN (SELECT ms, number FROM messages"
    " WHERE room = ?1 AND (ms, number) <= (SELECT ms, number FROM messages"
    " WHERE room = ?1 ORDER BY ms DESC, number DESC LIMIT 1 OFFSET ?2)"
    " ORDER BY ms, number LIMIT ?3)";
// Never the newest of all: the ids to come begin above it.
constexpr std::string_view kForgetOldest =
    "DELETE FROM messages WHERE (room, ms, number) IN (SELECT room, ms, number FROM messages"
    " WHERE ms < ?1 AND (ms, number) <"
    " (SELECT ms, number FROM messages ORDER BY ms DESC, number DESC LIMIT 1)"
    " ORDER BY ms, number LIMIT ?2)";
constexpr std::string_view kRoomsByTime =
    "SELECT id, key, name, (SELECT max(ms) FROM messages WHERE room = rooms.id) AS latest"
    " FROM rooms ORDER BY latest DESC NULLS LAST, id DESC";
constexpr std::string_view kUsedBytes =
    "SELECT ((SELECT page_count FROM pragma_page_count) -"
    " (SELECT freelist_count FROM pragma_freelist_count)) *"
    " (SELECT page_size FROM pragma_page_size)";

std::int64_t bounded(std::uint64_t value) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, kEnd));
}

// What a row says, or nothing where no chat has written that.
std::optional<Message> message_of(const SqliteStatement& row) {
  const std::int64_t ms = row.integer(0), number = row.integer(1), kind = row.integer(2);
  if (ms <= 0 || number < 0 || kind < 0 || kind > static_cast<int>(Message::Kind::kNotice)) {
    return std::nullopt;
  }
  auto nick = clean(row.text(3)), text = clean(row.text(4));
  if (!nick || !text || nick->empty() || nick->find(' ') != std::string::npos || text->empty()) {
    return std::nullopt;
  }
  const auto time = static_cast<std::uint64_t>(ms);
  return Message{.id = {time, static_cast<std::uint64_t>(number)},
                 .time_ms = time,
                 .kind = static_cast<Message::Kind>(kind),
                 .room = {},
                 .nick = std::move(*nick),
                 .text = std::move(*text)};
}

}  // namespace

struct HistoryFile::State {
  struct KnownRoom {
    std::int64_t id = 0;
    std::string name;
    std::size_t since_trim = 0;  // messages since its oldest were looked at
  };

  State(const Settings& wishes, SqliteFile opened) : settings(wishes), file(std::move(opened)) {}

  Settings settings;
  SqliteFile file;
  SqliteStatement begin, commit, roll_back, insert, add_room, before, after, over_count, oldest,
      drop_room, used_bytes;
  std::unordered_map<std::string, KnownRoom> rooms;  // by name in lower case
  std::uint64_t aged_ms = 0;                         // when the age was looked at
  bool log_was_shrunk = false;                       // after the last failure

  tl::unexpected<Error> failed() const { return tl::unexpected<Error>(file.error()); }

  Result<void> prepare();
  bool learn_rooms();
  template <class Work>
  Result<void> transact(Work work);
  bool insert_all(std::span<const Message> messages);
  KnownRoom* room_for(const Message& message);
  std::optional<std::int64_t> forget_of(std::int64_t room, std::size_t most);
  bool forget_over_count();
  bool forget_over_age(std::uint64_t now_ms);
  bool forget_over_rooms();
  bool forget_over_bytes();
};

// --- opening -------------------------------------------------------------------------------------

Result<void> HistoryFile::State::prepare() {
  const std::pair<SqliteStatement*, std::string_view> all[] = {
      {&begin, "BEGIN IMMEDIATE"},
      {&commit, "COMMIT"},
      {&roll_back, "ROLLBACK"},
      {&insert, kInsert},
      {&add_room, kAddRoom},
      {&before, kBefore},
      {&after, kAfter},
      {&over_count, kForgetOverCount},
      {&oldest, kForgetOldest},
      {&drop_room, "DELETE FROM rooms WHERE id = ?"},
      {&used_bytes, kUsedBytes}};
  for (const auto& entry : all) {
    if (!file.prepare(*entry.first, entry.second)) return failed();
  }
  if (!learn_rooms()) return failed();
  return {};
}

bool HistoryFile::State::learn_rooms() {
  rooms.clear();
  SqliteStatement all;
  if (!file.prepare(all, "SELECT id, key, name FROM rooms")) return false;
  Step at = Step::kRow;
  while ((at = all.step()) == Step::kRow)
    // As if they were due: what was said before the last end was not counted.
    rooms[std::string(all.text(1))] = {all.integer(0), std::string(all.text(2)),
                                       settings.messages / 8};
  return at == Step::kDone;
}

Result<HistoryFile> HistoryFile::open(const Settings& settings) {
  auto file = SqliteFile::open({.path = settings.path,
                                .durable = settings.durable,
                                .patience_ms = settings.patience_ms,
                                .application_id = kApplicationId,
                                .steps = kSteps});
  if (!file) return tl::unexpected(std::move(file.error()));
  auto state = std::make_unique<State>(settings, std::move(*file));
  if (auto done = state->prepare(); !done) return tl::unexpected(std::move(done.error()));
  return HistoryFile(std::move(state));
}

HistoryFile::HistoryFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
HistoryFile::HistoryFile(HistoryFile&&) noexcept = default;
HistoryFile& HistoryFile::operator=(HistoryFile&&) noexcept = default;
HistoryFile::~HistoryFile() = default;

// --- writing -------------------------------------------------------------------------------------

template <class Work>
Result<void> HistoryFile::State::transact(Work work) {
  if (begin.run() && work() && commit.run()) return {};
  Error why = file.error();
  log_was_shrunk = file.is_full();
  if (file.in_transaction()) roll_back.run();  // some failures have done that already
  if (log_was_shrunk) file.shrink_log();
  learn_rooms();  // those that were new in it are not there
  return tl::unexpected(std::move(why));
}

HistoryFile::State::KnownRoom* HistoryFile::State::room_for(const Message& message) {
  const std::string key = to_lower(message.room);
  const auto found = rooms.find(key);
  if (found != rooms.end()) return &found->second;
  add_room.bind(1, key);
  add_room.bind(2, message.room);
  const bool added = add_room.step() == Step::kRow;
  const std::int64_t id = added ? add_room.integer(0) : 0;
  const bool done = added && add_room.step() == Step::kDone;
  add_room.reset();
  if (!done) return nullptr;
  return &(rooms[key] = {id, message.room, 0});
}

bool HistoryFile::State::insert_all(std::span<const Message> messages) {
  for (const Message& message : messages) {
    KnownRoom* const room = room_for(message);
    if (room == nullptr) return false;
    insert.bind(1, room->id);
    insert.bind(2, bounded(message.id.ms));
    insert.bind(3, bounded(message.id.number));
    insert.bind(4, static_cast<std::int64_t>(message.kind));
    insert.bind(5, message.nick);
    insert.bind(6, message.text);
    if (!insert.run()) return false;
    ++room->since_trim;
  }
  return true;
}

Result<void> HistoryFile::append(std::span<const Message> messages) {
  State& state = *state_;
  if (auto there = state.file.check_place(); !there) return there;
  const auto insert = [&] { return state.insert_all(messages); };
  auto done = state.transact(insert);
  // The log may have been what filled the disk.
  if (!done && state.log_was_shrunk) done = state.transact(insert);
  return done;
}

// --- reading -------------------------------------------------------------------------------------

Result<Page> HistoryFile::read(const HistoryQuestion& question, std::uint64_t now_ms) {
  State& state = *state_;
  Page page;
  const auto room = state.rooms.find(to_lower(question.room));
  if (room == state.rooms.end()) return page;
  const bool is_last = question.which == HistoryQuestion::Which::kLast;
  const bool is_after = question.which == HistoryQuestion::Which::kAfter;
  const std::uint64_t age = state.settings.age_ms;
  SqliteStatement& rows = is_after ? state.after : state.before;
  rows.bind(1, room->second.id);
  rows.bind(2, is_last ? kEnd : bounded(question.id.ms));
  rows.bind(3, is_last ? kEnd : bounded(question.id.number));
  rows.bind(4, age == 0 || age > now_ms ? 0 : bounded(now_ms - age));
  rows.bind(5, bounded(question.most) + 1);
  std::size_t bytes = 0;
  Step at = Step::kRow;
  // From the newest back: who was away long wants those.
  while ((at = rows.step()) == Step::kRow) {
    bytes += rows.text(4).size();
    page.more =
        page.messages.size() >= question.most || (bytes > kMostPageBytes && !page.messages.empty());
    if (page.more) break;
    auto message = message_of(rows);
    if (!message) continue;
    message->room = room->second.name;
    page.messages.push_back(std::move(*message));
  }
  Error why = at == Step::kFailed ? state.file.error() : Error{};
  rows.reset();
  if (at == Step::kFailed) return tl::unexpected(std::move(why));
  std::reverse(page.messages.begin(), page.messages.end());
  return page;
}

Result<std::vector<std::string>> HistoryFile::rooms() {
  SqliteStatement all;
  std::vector<std::string> names;
  if (!state_->file.prepare(all, kRoomsByTime)) return state_->failed();
  Step at = Step::kRow;
  while ((at = all.step()) == Step::kRow) {
    if (!all.is_null(3)) names.emplace_back(all.text(2));
  }
  if (at == Step::kFailed) return state_->failed();
  return names;
}

Result<MessageId> HistoryFile::last_id() {
  SqliteStatement last;
  if (!state_->file.prepare(
          last, "SELECT ms, number FROM messages ORDER BY ms DESC, number DESC LIMIT 1")) {
    return state_->failed();
  }
  const Step at = last.step();
  if (at == Step::kFailed) return state_->failed();
  if (at == Step::kDone || last.integer(0) <= 0 || last.integer(1) < 0) return MessageId{};
  return MessageId{static_cast<std::uint64_t>(last.integer(0)),
                   static_cast<std::uint64_t>(last.integer(1))};
}

// --- forgetting ----------------------------------------------------------------------------------

// Those of a room that are over `most`, oldest first: how many went, or nothing where it failed.
std::optional<std::int64_t> HistoryFile::State::forget_of(std::int64_t room, std::size_t most) {
  over_count.bind(1, room);
  over_count.bind(2, bounded(most));
  over_count.bind(3, kForgottenAtOnce);
  if (!over_count.run()) return std::nullopt;
  return file.changes();
}

// Looking costs as much as the room has messages, so it is done once an eighth of them is new.
bool HistoryFile::State::forget_over_count() {
  for (auto& entry : rooms) {
    KnownRoom& room = entry.second;
    if (room.since_trim <= settings.messages / 8) continue;
    const auto gone = forget_of(room.id, settings.messages);
    if (!gone) return false;
    if (*gone < kForgottenAtOnce) room.since_trim = 0;
  }
  return true;
}

bool HistoryFile::State::forget_over_age(std::uint64_t now_ms) {
  const bool is_due = now_ms >= aged_ms + kAgeEveryMs || now_ms < aged_ms;
  if (settings.age_ms == 0 || settings.age_ms > now_ms || !is_due) return true;
  oldest.bind(1, bounded(now_ms - settings.age_ms));
  oldest.bind(2, kForgottenAtOnce);
  if (!oldest.run()) return false;
  // Where there are more, the next time goes on.
  if (file.changes() < kForgottenAtOnce) aged_ms = now_ms;
  return true;
}

// The one that was silent longest. Finding it walks all rooms, so it is done for many at a time.
bool HistoryFile::State::forget_over_rooms() {
  if (rooms.size() <= settings.rooms) return true;
  const std::size_t kept = settings.rooms - settings.rooms / 10;
  SqliteStatement all;
  if (!file.prepare(all, kRoomsByTime)) return false;
  std::vector<std::pair<std::int64_t, std::string>> over;
  std::size_t seen = 0;
  while (all.step() == Step::kRow) {
    if (++seen > kept) over.emplace_back(all.integer(0), all.text(1));
  }
  std::int64_t forgotten = 0;
  while (!over.empty() && forgotten < kForgottenAtOnce) {
    const auto gone = forget_of(over.back().first, 0);
    if (!gone) return false;
    forgotten += *gone;
    if (*gone == kForgottenAtOnce) break;  // the next time goes on
    drop_room.bind(1, over.back().first);
    if (!drop_room.run()) return false;
    rooms.erase(over.back().second);
    over.pop_back();
  }
  return true;
}

bool HistoryFile::State::forget_over_bytes() {
  const std::uint64_t used =
      used_bytes.step() == Step::kRow ? static_cast<std::uint64_t>(used_bytes.integer(0)) : 0;
  used_bytes.reset();
  if (used <= settings.bytes - settings.bytes / 20) return true;
  oldest.bind(1, kEnd);
  oldest.bind(2, kForgottenAtOnce);
  return oldest.run();
}

Result<void> HistoryFile::maintain(std::uint64_t now_ms) {
  State& state = *state_;
  return state.transact([&] {
    return state.forget_over_count() && state.forget_over_age(now_ms) &&
           state.forget_over_rooms() && state.forget_over_bytes();
  });
}

}  // namespace polyport::services::chat
