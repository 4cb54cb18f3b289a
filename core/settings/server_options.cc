#include "core/settings/server_options.h"

#include <array>

namespace polyport {

namespace {

constexpr std::int64_t kDayMs = 24 * 60 * 60 * 1000;
constexpr std::int64_t kMaxConnections = 10'000'000;

constexpr std::array kOptions{
    OptionSpec{.name = "name",
               .type = OptionType::kString,
               .fallback = "polyport",
               .help = "what the server calls itself on its pages and in its greetings"},
    OptionSpec{.name = "shutdown_grace",
               .type = OptionType::kDuration,
               .fallback = "5s",
               .help = "how long open work may go on after SIGINT or SIGTERM",
               .max = kDayMs,
               .applies = Applies::kLive},
    OptionSpec{.name = "log_level",
               .type = OptionType::kEnum,
               .fallback = "info",
               .help = "the least important lines that are still logged",
               .choices = "trace|debug|info|warn|error|off"},
    OptionSpec{.name = "log_format",
               .type = OptionType::kEnum,
               .fallback = "text",
               .help = "text for people, or one JSON object a line",
               .choices = "text|json"},
    OptionSpec{.name = "log_target",
               .type = OptionType::kString,
               .fallback = "stderr",
               .help = "\"stderr\", \"stdout\" or the path of a file"},
    OptionSpec{.name = "workers",
               .type = OptionType::kInt,
               .fallback = "1",
               .help = "processes that serve the same ports, each with its own loop; auto: one for "
                       "each processor that may be used",
               .choices = "auto",
               .min = 1,
               .max = kMaxWorkers},
    OptionSpec{.name = "max_connections",
               .type = OptionType::kInt,
               .fallback = "0",
               .help = "of all services together; 0: as many as the descriptors allow",
               .max = kMaxConnections,
               .applies = Applies::kLive},
    OptionSpec{.name = "max_connections_per_address",
               .type = OptionType::kInt,
               .fallback = "0",
               .help = "of all services together, from one address (IPv6: one /64); 0: no limit",
               .max = kMaxConnections},
    OptionSpec{.name = "max_new_connections_per_second",
               .type = OptionType::kInt,
               .fallback = "0",
               .help = "of all services together; 0: no limit",
               .max = 1'000'000},
    OptionSpec{.name = "max_queued",
               .type = OptionType::kSize,
               .fallback = "1GiB",
               .help = "bytes queued for all connections together; the slowest readers are closed "
                       "beyond; 0B: no limit",
               .max = std::int64_t{1} << 40},
    OptionSpec{.name = "memory_limit",
               .type = OptionType::kSize,
               .fallback = "0B",
               .help = "memory of the process: near it new clients wait or are refused, then those "
                       "who hold most are closed; 0B: no limit",
               .max = std::int64_t{1} << 40},
    OptionSpec{.name = "reserve_descriptors",
               .type = OptionType::kInt,
               .fallback = "64",
               .help = "file descriptors kept free of connections, for files and the server itself",
               .min = 8,
               .max = 65536},
    OptionSpec{.name = "state_dir",
               .type = OptionType::kPath,
               .fallback = "",
               .help = "where services keep what must survive; empty: the user's state directory"},
    OptionSpec{.name = "tls.auto",
               .type = OptionType::kBool,
               .fallback = "false",
               .help = "certificates of a development CA for TLS endpoints that have none"},
    OptionSpec{.name = "tls.names",
               .type = OptionType::kStrings,
               .fallback = "",
               .help = "further names for these certificates, like \"app.localhost\""},
};

}  // namespace

std::span<const OptionSpec> server_options() {
  return kOptions;
}

}  // namespace polyport
