// polyport healthcheck: one GET, and whether its answer is 200. For HEALTHCHECK lines and probes.
#pragma once

#include <chrono>
#include <string_view>

namespace polyport {

inline constexpr std::string_view kHealthUrl = "http://localhost:9901/healthz";
inline constexpr std::chrono::milliseconds kHealthTimeout{2'000};

// GET of "http://host:port/path" (kHealthUrl where it is empty). 0 where the answer is 200; else 1
// and a sentence on standard error. Never takes longer than `timeout`, whatever the server does;
// only the look-up of a host name other than localhost may.
int run_healthcheck(std::string_view url, std::chrono::milliseconds timeout = kHealthTimeout);

}  // namespace polyport
