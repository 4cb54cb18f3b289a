// Log: one line or one JSON object per event, written by a thread of its own.
//
// The loop never waits for a log: lines go into a bounded queue, the oldest are dropped when it is
// full, and the drops are counted. Fields are ts, level, event, service, listener, conn, peer,
// reason, msg, in this order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

struct LogLine {
  std::string_view event;  // snake_case, e.g. "listener_failed"
  std::string_view message = {};
  std::string_view service = {};
  std::string_view listener = {};
  std::string_view conn = {};
  std::string_view peer = {};
  std::string_view reason = {};
};

class Log {
 public:
  enum class Format : std::uint8_t { kText, kJson };
  struct Options {
    LogLevel level = LogLevel::kInfo;
    Format format = Format::kText;
    std::string target = "stderr";  // "stderr", "stdout" or a path
    std::string worker = {};        // named in every line, where several processes write to one log
  };

  // Opens the target and starts the writer thread. Fails where the path cannot be opened.
  static Result<std::unique_ptr<Log>> open(const Options& options);
  // A log that drops everything, without a thread.
  static std::unique_ptr<Log> silent();
  virtual ~Log() = default;  // writes what is queued

  bool enabled(LogLevel level) const { return level >= level_; }
  void write(LogLevel level, const LogLine& line) {
    if (enabled(level)) emit(level, line);
  }
  void debug(const LogLine& line) { write(LogLevel::kDebug, line); }
  void info(const LogLine& line) { write(LogLevel::kInfo, line); }
  void warn(const LogLine& line) { write(LogLevel::kWarn, line); }
  void error(const LogLine& line) { write(LogLevel::kError, line); }

  virtual std::uint64_t dropped() const { return 0; }  // lines lost to a full queue
  virtual void flush() {}  // returns when what was queued has been written, or after 1 s

 protected:
  explicit Log(LogLevel level) : level_(level) {}

 private:
  virtual void emit(LogLevel, const LogLine&) {}
  LogLevel level_;
};

}  // namespace polyport
