// Fuzz target: a configuration and one override, of any bytes.
//
// The input is the override's text up to the first NUL, then the TOML. Whatever comes in, the
// loader ends, every message is one line that a terminal can show, and what it calls good is
// complete.
#include "core/settings/settings.h"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/settings/server_options.h"

using namespace polyport;

namespace {

constexpr OptionSpec kRows[] = {
    {"type", OptionType::kString, "", "type"},
    {"enabled", OptionType::kBool, "true", "bool"},
    {"listen", OptionType::kEndpoints, "", "endpoints"},
    {"list", OptionType::kStrings, "", "strings"},
    {"nets", OptionType::kNetworks, "", "networks"},
    {"backlog", OptionType::kInt, "4096", "int", {}, 1, 65535},
    {"idle_timeout", OptionType::kDuration, "0s", "duration"},
    {"max_body", OptionType::kSize, "1MiB", "size"},
    {"format", OptionType::kEnum, "ctime", "enum", "ctime|iso8601"},
    {"folder", OptionType::kPath, "", "path"},
    {"token", OptionType::kSecret, "", "secret"},
};
constexpr Transports kAll = transports(Transport::kTcp, Transport::kUdp, Transport::kUnix);

TypeSchema type(std::string_view name) {
  return {name, 10007, {kRows}, {{"listen", kAll}}};
}

void check_complete(const OptionValues& values) {
  for (const OptionSpec& row : kRows)
    POLYPORT_ASSERT(values.has(row.name));
}

void load(std::string_view text, std::string_view override_text) {
  static const Schema schema{server_options(), type("health"), type("admin"), {type("echo")}};
  std::vector<Override> overrides;
  if (auto parsed = parse_override(override_text)) overrides.push_back(*parsed);
  const LoadResult result = load_settings(text, "file", schema, overrides);
  for (const Error& error : result.errors) {
    POLYPORT_ASSERT(error.where.starts_with("file") || error.where.starts_with("--set "));
    POLYPORT_ASSERT(without_controls(error.text()) == error.text());
    POLYPORT_ASSERT(error.text().find('\t') == std::string::npos);
  }
  if (!result.ok()) return;
  check_complete(result.settings.health.values);
  check_complete(result.settings.admin.values);
  for (const ServiceSettings& service : result.settings.services)
    check_complete(service.values);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  const bool has_override = nul != std::string_view::npos;
  load(has_override ? input.substr(nul + 1) : input,
       has_override ? input.substr(0, nul) : std::string_view{});
  return 0;
}
