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
    OptionSpec{.name = "max_connections",
               .type = OptionType::kInt,
               .fallback = "0",
               .help = "of all services together; 0: as many as the descriptors allow",
               .max = kMaxConnections,
               .applies = Applies::kLive},
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
