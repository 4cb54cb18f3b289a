// Units: durations and sizes as people write them ("250ms", "64KiB") and as a table shows them.
//
// Exact integers throughout. A number without a unit is refused: whoever writes `idle_timeout = 10`
// may mean seconds or milliseconds, and a wrong guess is found out too late.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

// "250ms", "10s", "1.5s", "5m", "1h", "1d". Whole milliseconds, not negative. Errors have no place.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// "10B", "1kB" (or "1KB", 1000), "64KiB" (1024 each), and so on to TB and TiB. At most 2^63 - 1
// bytes.
Result<std::uint64_t> parse_size(std::string_view text);

// The shortest text that the parsers read back as the same value: "1.5s", "90s", "5m", "64KiB".
std::string format_duration(std::chrono::milliseconds duration);
std::string format_size(std::uint64_t bytes);

// For people, cut to what they read: "250 ms", "8.1 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
std::string human_duration(std::chrono::milliseconds duration);
// "6 B", "1.2 MiB".
std::string human_size(std::uint64_t bytes);

// RFC 3339, UTC, whole seconds: "2026-11-25T09:14:52Z".
std::string utc_text(std::chrono::system_clock::time_point when);

}  // namespace polyport
