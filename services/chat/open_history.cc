#include "services/chat/open_history.h"

#include <algorithm>
#include <utility>

#include "core/base/state_folder.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kRecentMessages = 100;  // of a room, in memory as well

// Of the file in the state directory; makes its folder.
Result<std::string> path_in_state_dir(const ServiceContext& context) {
  if (context.state_dir.empty()) {
    return failure(ErrorCode::kNotFound, "there is no state directory", {},
                   "set [server] state_dir, $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME");
  }
  const bool has_slash = context.state_dir.ends_with('/');
  const auto folder = StateFolder::make(context.state_dir + (has_slash ? "chat" : "/chat"));
  if (!folder) return tl::unexpected(folder.error());
  return folder->path_of(context.instance + ".db");
}

DiskStore::Settings settings_of(const ChatOptions& options, std::string path) {
  DiskStore::Settings settings{.file = *options.file, .recent = options.history};
  settings.file.path = std::move(path);
  settings.recent.messages =
      std::min(options.history.messages, std::max(kRecentMessages, options.rules.history_lines));
  return settings;
}

Error explained(Error error) {
  error.what = "the history of the chat cannot be kept here: " + error.what;
  return error;
}

}  // namespace

Result<std::unique_ptr<DiskStore>> open_disk_store(
    ServiceContext& context, const Clock& clock, const ChatOptions& options,
    std::function<void(std::string_view text)> announce) {
  const bool named = !options.file->path.empty();
  Result<std::string> path = named ? options.file->path : path_in_state_dir(context);
  Log& log = context.log;
  const std::string& service = context.instance;
  const auto tell = [&log, &service, announce = std::move(announce)](std::string_view text,
                                                                     const Error* error) {
    // The members need not know the path, and cannot follow the hint.
    std::string message(text);
    if (error != nullptr && !error->where.empty()) message = error->where + ": " + message;
    if (error != nullptr && !error->hint.empty()) message += " (" + error->hint + ")";
    const LogLine line{.event = error != nullptr ? "history_failed" : "history_works",
                       .message = message,
                       .service = service};
    log.write(error != nullptr ? LogLevel::kError : LogLevel::kInfo, line);
    announce(text);
  };
  Error why;
  if (path) {
    auto store = DiskStore::open(context.loop, clock, settings_of(options, *path), tell);
    if (store) return store;
    why = explained(std::move(store.error()));
  } else {
    why = std::move(path.error());
  }
  if (named || options.file->durable || why.code == ErrorCode::kBadValue) {
    return tl::unexpected(std::move(why));
  }
  const std::string message = why.text() + "; history stays in memory";
  log.warn({.event = "history_in_memory", .message = message, .service = service});
  return std::unique_ptr<DiskStore>();
}

}  // namespace polyport::services::chat
