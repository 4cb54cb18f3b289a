#include "services/chat/sqlite_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/text.h"
#include "services/chat/lock_holder.h"

namespace polyport::services::chat {
namespace {

constexpr int kMostRowBytes = 1024 * 1024;
constexpr off_t kHeadBytes = 100;  // SQLite takes a shorter file for an empty one

// --- what went wrong -----------------------------------------------------------------------------

Error file_error(ErrorCode code, std::string what, const std::string& path, std::string hint = {}) {
  return {code, std::move(what), printable(path), std::move(hint)};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

Error system_error(std::string_view what, int error, const std::string& path) {
  const bool denied = error == EACCES || error == EPERM || error == EROFS;
  const ErrorCode code = denied            ? ErrorCode::kNotPermitted
                         : error == ENOENT ? ErrorCode::kNotFound
                                           : ErrorCode::kSystem;
  std::string hint;
  if (denied) {
    hint = "give this user the right to it, or name another file: history = \"sqlite:PATH\"";
  } else if (error == ENOENT) {
    hint = "make its folder first: mkdir -p " + shell_word(folder_of(path));
  }
  return file_error(code, std::string(what) + ": " + std::strerror(error), path, std::move(hint));
}

Error damaged(const std::string& what, const std::string& path) {
  return file_error(ErrorCode::kBadValue, what, path,
                    "move it away, and history begins anew: mv " + shell_word(path) + " " +
                        shell_word(path + ".away"));
}

Error held(const std::string& path) {
  const std::string holder = holder_of(path);
  const bool known = !holder.empty();
  return file_error(ErrorCode::kConflict,
                    (known ? holder : std::string("another program")) + " has it open", path,
                    (known ? "" : "fuser " + shell_word(path) + " may say which; ") +
                        std::string("two chats need two files: history = \"sqlite:PATH\""));
}

Error sqlite_error(sqlite3* database, const std::string& path) {
  const int code = database == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database) & 0xff;
  const int system = database == nullptr ? 0 : sqlite3_system_errno(database);
  switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return held(path);
    case SQLITE_NOTADB:
      return damaged("it is no SQLite file, or a damaged one", path);
    case SQLITE_CORRUPT:
      return damaged("it is damaged: " + std::string(sqlite3_errstr(code)), path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return system_error("the file cannot be written", EACCES, path);
    case SQLITE_FULL:
      return file_error(ErrorCode::kSystem, "the disk is full", path);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      if (system != 0) return system_error("the file cannot be read or written", system, path);
      [[fallthrough]];
    default:
      return file_error(ErrorCode::kSystem, "SQLite says: " + std::string(sqlite3_errstr(code)),
                        path);
  }
}

// --- the file itself -----------------------------------------------------------------------------

// An existing file is not opened here: its locks are the process's, and closing any descriptor of
// it would drop them all.
Result<void> check_file(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode)) {
    return tl::unexpected(file_error(ErrorCode::kBadValue, "it is no regular file", path));
  }
  if (status.st_size != 0 && status.st_size < kHeadBytes) {
    return tl::unexpected(damaged("it is no SQLite file, or a damaged one", path));
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    return tl::unexpected(system_error("the file cannot be written", errno, path));
  }
  if (::access(folder_of(path).c_str(), W_OK | X_OK) != 0) {
    return tl::unexpected(
        system_error("its folder cannot be written, where SQLite keeps its log", errno, path));
  }
  return {};
}

// SQLite would give it the rights that the umask leaves.
Result<void> make_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return check_file(status, path);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return tl::unexpected(system_error("the file cannot be made", errno, path));
  ::close(fd);
  const int folder = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // the new name; a file system that cannot is no reason to stop
    ::close(folder);
  }
  return {};
}

}  // namespace

// --- statements ----------------------------------------------------------------------------------

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

void SqliteStatement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(statement_, at, value);
}

void SqliteStatement::bind(int at, std::string_view text) {
  sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

SqliteStatement::Step SqliteStatement::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return Step::kRow;
  return status == SQLITE_DONE ? Step::kDone : Step::kFailed;
}

void SqliteStatement::reset() {
  sqlite3_reset(statement_);
}

bool SqliteStatement::run() {
  Step at = step();
  while (at == Step::kRow)
    at = step();
  reset();
  return at == Step::kDone;
}

std::int64_t SqliteStatement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view SqliteStatement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

// --- opening -------------------------------------------------------------------------------------

void SqliteFile::Close::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);  // with statements on it, once the last of them has gone
}

Result<SqliteFile> SqliteFile::open(const Settings& settings) {
  SqliteFile file;
  // Never one of SQLite's own names: ":memory:", "file:...".
  file.path_ = settings.path.starts_with('/') ? settings.path : "./" + settings.path;
  Result<void> done = make_file(file.path_);
  if (done) done = file.connect(settings);
  if (done) done = file.set_up(settings);
  if (!done) return tl::unexpected(std::move(done.error()));
  struct stat status {};
  if (::stat(file.path_.c_str(), &status) != 0) {
    return tl::unexpected(system_error("the file is gone again", errno, file.path_));
  }
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  return file;
}

Result<void> SqliteFile::connect(const Settings& settings) {
  sqlite3* raw = nullptr;
  const int status = sqlite3_open_v2(
      path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
      nullptr);
  database_.reset(raw);
  if (status != SQLITE_OK) return tl::unexpected(error());
  sqlite3_busy_timeout(raw, static_cast<int>(settings.patience_ms));
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMostRowBytes);
  // A file may hold more than tables: nothing in it is run.
  constexpr std::pair<int, int> kConfiguration[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                                    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                                    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                                    {SQLITE_DBCONFIG_ENABLE_VIEW, 0}};
  for (const auto& [option, value] : kConfiguration)
    sqlite3_db_config(raw, option, value, nullptr);
  // Before the first look: with WAL no index is shared then, and the lock is ours until the end.
  if (!execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON;"
               " PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY")) {
    return tl::unexpected(error());
  }
  return {};
}

Result<std::int64_t> SqliteFile::number(const char* sql) const {
  SqliteStatement statement;
  if (!prepare(statement, sql) || statement.step() != SqliteStatement::Step::kRow) {
    return tl::unexpected(error());
  }
  return statement.integer(0);
}

// Nothing is written to a file that is not ours.
Result<std::int64_t> SqliteFile::schema_of_ours(const Settings& settings) const {
  const auto application = number("PRAGMA application_id");
  if (!application) return application;
  const auto schema = number("PRAGMA user_version");
  if (!schema) return schema;
  const auto tables = number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables;
  const bool is_empty = *application == 0 && *schema == 0 && *tables == 0;
  if (!is_empty && *application != settings.application_id) {
    return tl::unexpected(file_error(ErrorCode::kBadValue,
                                     "it is the SQLite file of another program", path_,
                                     "name another file: history = \"sqlite:PATH\""));
  }
  const auto known = static_cast<std::int64_t>(settings.steps.size());
  if (*schema > known) {
    Error newer = damaged("it was written by a newer polyport: its schema is " +
                              std::to_string(*schema) + ", this one knows " + std::to_string(known),
                          path_);
    newer.hint = "run the newer one, or " + newer.hint;
    return tl::unexpected(std::move(newer));
  }
  if (*schema < 0 || (*schema == 0 && *tables != 0)) {
    return tl::unexpected(damaged("it is damaged: it names no schema", path_));
  }
  return schema;
}

Result<void> SqliteFile::set_up(const Settings& settings) {
  const auto schema = schema_of_ours(settings);
  if (!schema) return tl::unexpected(schema.error());
  if (sqlite3_db_readonly(database_.get(), "main") != 0) {
    return tl::unexpected(system_error("the file cannot be written", EROFS, path_));
  }
  SqliteStatement mode;
  if (!prepare(mode, "PRAGMA journal_mode = WAL") || mode.step() != SqliteStatement::Step::kRow) {
    return tl::unexpected(error());
  }
  if (mode.text(0) != "wal") {
    return tl::unexpected(file_error(
        ErrorCode::kSystem, "this file system has no place for SQLite's log (WAL)", path_));
  }
  mode.reset();
  // FULL: each transaction is on the disk itself when it ends. NORMAL: it is with the kernel.
  if (!execute(settings.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL") ||
      !execute("PRAGMA journal_size_limit = 4194304; PRAGMA wal_autocheckpoint = 100")) {
    return tl::unexpected(error());
  }
  return migrate(settings, static_cast<std::size_t>(*schema));
}

// Takes the lock, too, and keeps it.
Result<void> SqliteFile::migrate(const Settings& settings, std::size_t schema) const {
  const std::size_t last = settings.steps.size();
  bool done = execute("BEGIN EXCLUSIVE");
  for (std::size_t step = schema; done && step < last; ++step)
    done = execute(settings.steps[step]);
  if (done && schema < last) {
    const std::string identity =
        "PRAGMA application_id = " + std::to_string(settings.application_id) +
        "; PRAGMA user_version = " + std::to_string(last);
    done = execute(identity.c_str());
  }
  if (done && execute("COMMIT")) return {};
  Error why = error();
  execute("ROLLBACK");
  return tl::unexpected(std::move(why));
}

// --- the open file -------------------------------------------------------------------------------

bool SqliteFile::prepare(SqliteStatement& statement, std::string_view sql) const {
  return sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                            SQLITE_PREPARE_PERSISTENT, &statement.statement_, nullptr) == SQLITE_OK;
}

bool SqliteFile::execute(const char* sql) const {
  return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool SqliteFile::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

std::int64_t SqliteFile::changes() const {
  return sqlite3_changes64(database_.get());
}

Result<void> SqliteFile::check_place() const {
  struct stat status {};
  const bool there = ::stat(path_.c_str(), &status) == 0;
  if (there && status.st_dev == device_ && status.st_ino == inode_) return {};
  return tl::unexpected(file_error(
      ErrorCode::kNotFound,
      there ? "the file was replaced by another one while it was in use"
            : "the file was deleted or moved while it was in use",
      path_, "put it back, or start polyport again: history begins anew where there is none"));
}

bool SqliteFile::is_full() const {
  return (sqlite3_errcode(database_.get()) & 0xff) == SQLITE_FULL;
}

void SqliteFile::shrink_log() const {
  execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

Error SqliteFile::error() const {
  // A statement that the file does not know, or a row that it has already: ours are right.
  const int code = database_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database_.get()) & 0xff;
  if (code == SQLITE_ERROR || code == SQLITE_CONSTRAINT) {
    return damaged("it is damaged: " + printable(sqlite3_errmsg(database_.get())), path_);
  }
  return sqlite_error(database_.get(), path_);
}

}  // namespace polyport::services::chat
