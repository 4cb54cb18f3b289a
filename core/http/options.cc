#include "core/http/options.h"

namespace polyport::http {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kDay = 24 * 60 * 60 * 1000;

constexpr OptionSpec kRows[] = {
    {.name = "when_full",
     .type = OptionType::kEnum,
     .fallback = "close_idle",
     .help = "at a limit: the longest idle connection is closed for a new client; clients wait in "
             "the backlog; or they get 503",
     .choices = "close_idle|wait|refuse"},
    {.name = "max_body",
     .type = OptionType::kSize,
     .fallback = "1MiB",
     .help = "largest request body kept in memory; 413 beyond",
     .max = 1024 * 1024 * kKiB},
    {.name = "max_request_line",
     .type = OptionType::kSize,
     .fallback = "8KiB",
     .help = "longest request line; 414 beyond",
     .min = 256,
     .max = 64 * kKiB},
    {.name = "max_header_bytes",
     .type = OptionType::kSize,
     .fallback = "16KiB",
     .help = "all headers of a request together; 431 beyond",
     .min = 256,
     .max = 1024 * kKiB},
    {.name = "max_headers",
     .type = OptionType::kInt,
     .fallback = "100",
     .help = "number of headers of a request; 431 beyond",
     .min = 1,
     .max = 10000},
    {.name = "header_timeout",
     .type = OptionType::kDuration,
     .fallback = "10s",
     .help = "time for the head of a request, then 408; 0s is no limit",
     .max = kDay},
    {.name = "body_timeout",
     .type = OptionType::kDuration,
     .fallback = "30s",
     .help = "longest time a body may come in slower than body_min_rate, then 408; 0s is no limit",
     .max = kDay},
    {.name = "body_min_rate",
     .type = OptionType::kSize,
     .fallback = "1KiB",
     .help = "bytes a second below which a request body counts as slow",
     .min = 1,
     .max = 1024 * kKiB},
    {.name = "keepalive_timeout",
     .type = OptionType::kDuration,
     .fallback = "75s",
     .help = "how long a connection may be idle between requests; 0s is no limit",
     .max = kDay},
    {.name = "keepalive_requests",
     .type = OptionType::kInt,
     .fallback = "0",
     .help = "requests on one connection before it is closed; 0 is no limit",
     .max = 1'000'000'000},
    {.name = "idle_timeout",
     .type = OptionType::kDuration,
     .fallback = "0s",
     .help = "not taken here: keepalive_timeout is for connections between two requests",
     .instead = "use keepalive_timeout, header_timeout or body_timeout"},
};

}  // namespace

std::span<const OptionSpec> option_rows() {
  return kRows;
}

ServerOptions options_from(const OptionValues& values) {
  ServerOptions options;
  const auto size = [&](std::string_view name, auto& into) {
    if (values.has(name)) into = values.bytes(name);
  };
  const auto number = [&](std::string_view name, auto& into) {
    using Number = std::remove_reference_t<decltype(into)>;
    if (values.has(name)) into = static_cast<Number>(values.integer(name));
  };
  const auto duration = [&](std::string_view name, auto& into) {
    if (values.has(name)) into = values.duration(name);
  };
  size("max_body", options.max_body);
  size("max_request_line", options.limits.max_request_line);
  size("max_header_bytes", options.limits.max_header_bytes);
  number("max_headers", options.limits.max_headers);
  duration("header_timeout", options.header_timeout);
  duration("body_timeout", options.body_timeout);
  size("body_min_rate", options.body_min_rate);
  duration("keepalive_timeout", options.keepalive_timeout);
  number("keepalive_requests", options.keepalive_requests);
  return options;
}

}  // namespace polyport::http
