// history_file: the history of the rooms in one SQLite file.
//
// Everything here blocks: it is used at the start, and then by one thread of its own
// (history_thread). Bounded as history in memory is, by messages of a room, age, rooms and bytes;
// what is over a bound goes a little later, in maintain(). Whatever the file says is checked on the
// way out: it may have been changed by others.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "services/chat/store.h"

namespace polyport::services::chat {

class HistoryFile {
 public:
  struct Settings {
    std::string path;
    bool durable = false;                        // as in SqliteFile
    std::size_t messages = 1000;                 // of one room
    std::uint64_t age_ms = 24 * 3'600'000;       // 0: no limit
    std::size_t rooms = 1000;                    // that have a history
    std::uint64_t bytes = 256ULL * 1024 * 1024;  // of the file
    std::uint32_t patience_ms = 2'000;           // for another program that has the file
  };
  // A page holds fewer messages than asked for where they have more bytes than this.
  static constexpr std::size_t kMostPageBytes = 1024 * 1024;

  // Makes the file where there is none; errors as SqliteFile::open has them.
  static Result<HistoryFile> open(const Settings& settings);

  HistoryFile(HistoryFile&&) noexcept;
  HistoryFile& operator=(HistoryFile&&) noexcept;
  ~HistoryFile();

  // All of them or, with an error, none; ids rise within a room.
  Result<void> append(std::span<const Message> messages);
  // As Store::read answers. `now_ms` is the wall clock, for the age.
  Result<Page> read(const HistoryQuestion& question, std::uint64_t now_ms);
  // Forgets what is over the bounds, a bounded part of it at a time.
  Result<void> maintain(std::uint64_t now_ms);

  // The rooms with a history, the one with the latest message first.
  Result<std::vector<std::string>> rooms();
  // The highest id in the file; {} where it is empty.
  Result<MessageId> last_id();

 private:
  struct State;
  explicit HistoryFile(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace polyport::services::chat
