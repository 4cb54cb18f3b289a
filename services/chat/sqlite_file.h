// sqlite_file: an SQLite file that is ours alone, and statements on it. The one place that names
// SQLite; what the chat keeps in such a file is history_file's business.
//
// Everything here blocks. The file is locked for as long as it is open, so no two programs write
// it; the kernel lets go of the lock with its holder. Its log is a WAL: what a transaction has
// written is with the kernel when it ends, and on the disk itself where the file is `durable`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace polyport::services::chat {

// A prepared statement; rows are walked with step().
class SqliteStatement {
 public:
  enum class Step : std::uint8_t { kRow, kDone, kFailed };

  SqliteStatement() = default;
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  void bind(int at, std::int64_t value);
  // `text` must stay as it is until the statement is reset.
  void bind(int at, std::string_view text);
  Step step();
  void reset();
  bool run();  // to its end, and resets it; false where it failed

  // Of the row; a text is valid until the next step.
  std::int64_t integer(int column) const;
  std::string_view text(int column) const;
  bool is_null(int column) const;

 private:
  friend class SqliteFile;
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteFile {
 public:
  struct Settings {
    std::string path;
    bool durable = false;
    std::uint32_t patience_ms = 2'000;  // for another program that has the file
    std::int32_t application_id = 0;  // in the file's head; a file with another one is not touched
    // What brings the file from one schema to the next, from an empty file on.
    std::span<const char* const> steps;
  };

  // The file is made, for this user only, where there is none; its folder must exist. An error has
  // the path as its place: kConflict where another program has it, kNotPermitted where it cannot be
  // written, kBadValue where it is damaged, another program's, or of a newer schema.
  static Result<SqliteFile> open(const Settings& settings);

  const std::string& path() const { return path_; }
  // False where the statement makes no sense for this file, or it cannot be read.
  bool prepare(SqliteStatement& statement, std::string_view sql) const;
  bool execute(const char* sql) const;
  bool in_transaction() const;
  std::int64_t changes() const;  // rows, of the last statement
  // Whether the file is still where it was opened: else nobody would find what is written.
  Result<void> check_place() const;
  // Of the last failure: there was no room for it.
  bool is_full() const;
  // Takes the log over into the file, as far as there is room.
  void shrink_log() const;
  // What went wrong last.
  Error error() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };

  SqliteFile() = default;
  Result<void> connect(const Settings& settings);
  Result<std::int64_t> number(const char* sql) const;
  Result<std::int64_t> schema_of_ours(const Settings& settings) const;
  Result<void> set_up(const Settings& settings);
  Result<void> migrate(const Settings& settings, std::size_t schema) const;

  std::string path_;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace polyport::services::chat
