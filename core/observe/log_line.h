// One log line as bytes: for people, or as JSON for machines. Pure, apart from the time zone.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "core/observe/log.h"

namespace polyport {

std::string_view name(LogLevel level);  // "trace", "debug", "info", "warn", "error", "off"

// Ends in a newline and holds no other: bytes from outside are escaped, and each field is cut at
// kMaxLogFieldBytes. Empty fields are left out.
//   text: 09:14:03.123 info  listener_ready  service=web listener=web.main.0  on 127.0.0.1:8080
//   JSON: ts (RFC 3339, UTC), level, event, worker, service, listener, conn, peer, reason, msg
std::string format_log_line(Log::Format format, LogLevel level, const LogLine& line,
                            const timespec& now, std::string_view worker = {});

inline constexpr std::size_t kMaxLogFieldBytes = 2048;

}  // namespace polyport
