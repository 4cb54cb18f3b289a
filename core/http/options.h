// The settings of an HTTP door: their rows, and the values as the engine takes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "core/http/head_check.h"
#include "core/settings/option.h"

namespace polyport::http {

struct ServerOptions {
  std::uint64_t max_body = 1024 * 1024;  // bytes kept in memory for one request; 413 beyond
  HeadLimits limits;
  std::chrono::milliseconds header_timeout{10'000};     // 0: never, as in all three
  std::chrono::milliseconds body_timeout{30'000};       // the longest time below body_min_rate
  std::uint64_t body_min_rate = 1024;                   // bytes a second
  std::chrono::milliseconds keepalive_timeout{75'000};  // between two requests
  std::uint32_t keepalive_requests = 0;                 // on one connection; 0: no limit
  std::string server_name = "polyport";                 // the Server header; empty: none
};

// The rows of the options above, for a service type with an HTTP door.
std::span<const OptionSpec> option_rows();
// Reads the options that `values` has; the rest keep their defaults.
ServerOptions options_from(const OptionValues& values);

}  // namespace polyport::http
