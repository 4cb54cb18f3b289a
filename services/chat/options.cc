#include "services/chat/options.h"

#include "core/base/text.h"
#include "services/chat/names.h"

namespace polyport::services::chat {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kGiB = std::int64_t{1} << 30;

constexpr OptionSpec kRows[] = {
    {.name = "web",
     .type = OptionType::kEndpoints,
     .help = "where a page for browsers is served, and its WebSocket; left out: nowhere"},
    {.name = "irc",
     .type = OptionType::kEndpoints,
     .help = "where clients of IRC come in; left out: nowhere"},
    {.name = "room",
     .type = OptionType::kString,
     .fallback = "#lobby",
     .help = "where people with lines and browsers begin"},
    {.name = "nick_length",
     .type = OptionType::kInt,
     .fallback = "20",
     .help = "letters of a name at most",
     .min = 1,
     .max = 32},
    {.name = "room_length",
     .type = OptionType::kInt,
     .fallback = "32",
     .help = "letters of a room's name at most, its # among them",
     .min = 2,
     .max = 64},
    {.name = "max_line",
     .type = OptionType::kSize,
     .fallback = "1KiB",
     .help = "longest line that is taken",
     .min = 64,
     .max = 64 * 1024},
    {.name = "max_rooms",
     .type = OptionType::kInt,
     .fallback = "1000",
     .help = "rooms at one time",
     .min = 1,
     .max = 100'000},
    {.name = "rooms_per_member",
     .type = OptionType::kInt,
     .fallback = "10",
     .help = "rooms that one member may be in",
     .min = 1,
     .max = 1'000},
    {.name = "members_per_room",
     .type = OptionType::kInt,
     .fallback = "10000",
     .help = "members of one room at most",
     .min = 1,
     .max = 1'000'000},
    {.name = "presence_limit",
     .type = OptionType::kInt,
     .fallback = "100",
     .help = "a room with more members hears of coming and going in sum, once a second",
     .max = 1'000},
    {.name = "history",
     .type = OptionType::kString,
     .fallback = "memory",
     .help = "where it is kept: \"memory\", \"sqlite\" (a file in the state directory) or "
             "\"sqlite:PATH\""},
    {.name = "durable",
     .type = OptionType::kBool,
     .fallback = "false",
     .help = "who says something sees it once it is on the disk; needs history = \"sqlite\""},
    {.name = "history_disk",
     .type = OptionType::kSize,
     .fallback = "256MiB",
     .help = "for the file of history; beyond, the oldest messages are forgotten",
     .min = 1024 * 1024,
     .max = 64 * kGiB},
    {.name = "history_lines",
     .type = OptionType::kInt,
     .fallback = "20",
     .help = "messages shown to whoever comes in",
     .max = HistoryQuestion::kMost},
    {.name = "history_kept",
     .type = OptionType::kInt,
     .fallback = "1000",
     .help = "messages kept of one room, for those who scroll back",
     .max = 1'000'000},
    {.name = "history_age",
     .type = OptionType::kDuration,
     .fallback = "1d",
     .help = "older messages are forgotten; 0s: never",
     .max = 3'650 * kDayMs},
    {.name = "history_memory",
     .type = OptionType::kSize,
     .fallback = "16MiB",
     .help = "for the messages of all rooms in memory; beyond, the oldest go",
     .min = 64 * 1024,
     .max = kGiB},
    {.name = "flood_burst",
     .type = OptionType::kInt,
     .fallback = "5",
     .help = "lines a member may send at once; questions (who, rooms, history) four times that",
     .min = 1,
     .max = 1'000'000},
    {.name = "flood_per_second",
     .type = OptionType::kInt,
     .fallback = "2",
     .help = "lines a second after that",
     .min = 1,
     .max = 1'000'000},
    {.name = "max_unread",
     .type = OptionType::kSize,
     .fallback = "256KiB",
     .help = "bytes that may wait for a member before it is out; less than write_limit",
     .min = 1024},
    {.name = "nick_hold",
     .type = OptionType::kDuration,
     .fallback = "60s",
     .help = "how long a name is kept for somebody who was cut off; 0s: not at all",
     .max = kDayMs},
    {.name = "operator_password",
     .type = OptionType::kSecret,
     .help = "who knows it may put members out and mute them; empty: nobody"},
    {.name = "backplane",
     .type = OptionType::kSecret,
     .help = "the Redis through which several processes are one chat and keep its history: "
             "\"redis://user:password@host:6379/0\"; empty: this process alone"},
    {.name = "backplane_password",
     .type = OptionType::kSecret,
     .help = "of Redis, where backplane does not have it"},
    {.name = "backplane_timeout",
     .type = OptionType::kDuration,
     .fallback = "10s",
     .help = "a process that says nothing to Redis for so long is gone, and its names are free",
     .min = 1'000,
     .max = 3'600'000},
    {.name = "ping_interval",
     .type = OptionType::kDuration,
     .fallback = "60s",
     .help =
         "of silence, before a browser or a client of IRC is asked for a sign of life; 0s: never",
     .max = kDayMs},
    {.name = "ping_timeout",
     .type = OptionType::kDuration,
     .fallback = "30s",
     .help = "for that sign, before the connection ends",
     .min = 1'000,
     .max = kDayMs},
    {.name = "web_origins",
     .type = OptionType::kStrings,
     .help = "pages of other servers that may connect: \"https://chat.example.org\""},
    {.name = "web_connections_per_address",
     .type = OptionType::kInt,
     .fallback = "100",
     .help = "browsers of one address that may be connected; 0: no limit",
     .max = 1'000'000'000},
    // HTTP has one use here, the page: what its engine can be told stays at its defaults.
};

std::size_t size(const OptionValues& values, std::string_view name) {
  return static_cast<std::size_t>(values.integer(name));
}

// "https://chat.example.org", "http://127.0.0.1:8080": a scheme, a host, and no path.
bool is_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view kind = text.substr(0, scheme), host = text.substr(scheme + 3);
  return (kind == "http" || kind == "https") && !host.empty() &&
         host.find_first_of("/?# ") == std::string_view::npos;
}

constexpr std::string_view kSqlitePath = "sqlite:";

bool is_history(std::string_view text) {
  return text == "memory" || text == "sqlite" ||
         (text.starts_with(kSqlitePath) && text.size() > kSqlitePath.size());
}

std::optional<HistoryFile::Settings> history_file(const OptionValues& values,
                                                  const MemoryStore::Limits& limits) {
  const std::string& place = values.text("history");
  if (place == "memory") return std::nullopt;
  return HistoryFile::Settings{
      .path = place == "sqlite" ? "" : place.substr(kSqlitePath.size()),
      .durable = values.boolean("durable"),
      .messages = limits.messages,
      .age_ms = limits.age_ms,
      .rooms = limits.rooms,
      .bytes = values.bytes("history_disk"),
  };
}

void check_history(const OptionValues& values, Errors& errors) {
  const auto& place = values.value("history");
  if (!is_history(place.text)) {
    errors.push_back({ErrorCode::kBadValue, "history: " + quoted(place.text, 80) + " is no place",
                      place.where, R"(write "memory", "sqlite" or "sqlite:PATH")"});
  }
  if (values.boolean("durable") && place.text == "memory") {
    errors.push_back({ErrorCode::kConflict,
                      "durable = true, but history is in memory and ends with the process",
                      values.value("durable").where, "write history = \"sqlite\""});
  }
  if (place.text != "memory" && !values.text("backplane").empty()) {
    errors.push_back(
        {ErrorCode::kConflict,
         "history = " + quoted(place.text, 80) + ", but with a backplane Redis keeps it",
         place.where, "take history away, or backplane"});
  }
}

void check_backplane(const OptionValues& values, Errors& errors) {
  const auto& backplane = values.value("backplane");
  const auto& password = values.value("backplane_password");
  if (backplane.text.empty()) {
    if (password.text.empty()) return;
    errors.push_back({ErrorCode::kConflict, "backplane_password is set, and backplane is not",
                      password.where, "set backplane, or take the password away"});
    return;
  }
  auto address = parse_redis_address(backplane.text);
  if (!address) {
    Error error = std::move(address.error());
    error.what = "backplane: " + error.what;
    error.where = backplane.where;
    errors.push_back(std::move(error));
    return;
  }
  if (!address->password.empty() && !password.text.empty()) {
    errors.push_back({ErrorCode::kConflict, "backplane and backplane_password both have a password",
                      password.where, "leave one of them out"});
  }
}

}  // namespace

std::span<const OptionSpec> option_rows() {
  return kRows;
}

ChatOptions chat_options(const OptionValues& values) {
  ChatOptions options;
  Rules& rules = options.rules;
  rules.room = values.text("room");
  rules.nick_bytes = size(values, "nick_length");
  rules.room_bytes = size(values, "room_length");
  rules.line_bytes = values.bytes("max_line");
  rules.rooms = size(values, "max_rooms");
  rules.rooms_of_a_member = size(values, "rooms_per_member");
  rules.members_of_a_room = size(values, "members_per_room");
  rules.presence_limit = size(values, "presence_limit");
  rules.history_lines = size(values, "history_lines");
  rules.talk = {.burst = static_cast<std::uint32_t>(values.integer("flood_burst")),
                .per_second = static_cast<std::uint32_t>(values.integer("flood_per_second"))};
  rules.nick_hold = values.duration("nick_hold");
  rules.operator_password = values.text("operator_password");
  options.history = {.messages = size(values, "history_kept"),
                     .age_ms = static_cast<std::uint64_t>(values.duration("history_age").count()),
                     .rooms = rules.rooms,
                     .bytes = values.bytes("history_memory")};
  options.file = history_file(values, options.history);
  if (!values.text("backplane").empty()) {
    if (auto address = parse_redis_address(values.text("backplane"))) {
      options.backplane = std::move(*address);
      const std::string& password = values.text("backplane_password");
      if (!password.empty()) options.backplane->password = password;
    }
  }
  options.backplane_timeout = values.duration("backplane_timeout");
  options.unread_bytes = values.bytes("max_unread");
  options.ping_interval = values.duration("ping_interval");
  options.ping_timeout = values.duration("ping_timeout");
  options.web_origins = values.texts("web_origins");
  for (std::string& origin : options.web_origins)
    origin = to_lower(origin);
  options.web_connections_per_address =
      static_cast<std::uint64_t>(values.integer("web_connections_per_address"));
  return options;
}

Errors check_options(const OptionValues& values) {
  Errors errors;
  check_history(values, errors);
  check_backplane(values, errors);
  const auto& room = values.value("room");
  if (!is_legal_room(room.text, size(values, "room_length"))) {
    errors.push_back({ErrorCode::kBadValue,
                      "room " + quoted(room.text, 80) + " is no name of a room", room.where,
                      "a # and then letters, digits, - and _, no longer than room_length"});
  }
  if (values.bytes("max_unread") >= values.bytes("write_limit")) {
    errors.push_back({ErrorCode::kBadValue,
                      "max_unread is not less than write_limit, which ends a connection without a "
                      "word",
                      values.value("max_unread").where, "raise write_limit, or lower max_unread"});
  }
  for (const std::string& origin : values.texts("web_origins")) {
    if (is_origin(origin)) continue;
    errors.push_back({ErrorCode::kBadValue, "web_origins: " + quoted(origin, 80) + " is no origin",
                      values.value("web_origins").where,
                      "write scheme and host as the browser shows them: \"https://example.org\""});
  }
  return errors;
}

}  // namespace polyport::services::chat
