#include "tests/unit/settings_schema.h"

#include "core/settings/server_options.h"
#include "tests/support/catch.h"

namespace polyport::test {

namespace {

constexpr OptionSpec kCommon[] = {
    {"type", OptionType::kString, "", "what the service is"},
    {"enabled", OptionType::kBool, "true", "false leaves it out"},
    {"listen", OptionType::kEndpoints, "", "where it listens"},
    {"on_conflict", OptionType::kEnum, "fail", "when a port is taken", "fail|skip"},
    {"backlog", OptionType::kInt, "4096", "connections the kernel may hold", {}, 1, 65535},
    {"max_connections", OptionType::kInt, "0", "open at one time"},
    {"max_connections_per_address", OptionType::kInt, "0", "open at one time, of one address"},
    {"idle_timeout", OptionType::kDuration, "0s", "silence before the close", {}, 0, 86'400'000},
    {"write_timeout", OptionType::kDuration, "60s", "a reader may stop so long"},
    {"write_high", OptionType::kSize, "64KiB", "queued bytes that stop the reading", {}, 1024},
    {"unix_mode", OptionType::kString, "0660", "rights of a unix socket"},
};
constexpr OptionSpec kHttp[] = {
    {"idle_timeout", OptionType::kDuration, "75s", "a later row of one name wins"},
    {"max_body", OptionType::kSize, "1MiB", "bytes of a body", {}, 0, 1 << 30},
    {"document_root", OptionType::kPath, "", "files to serve"},
    {"token", OptionType::kSecret, "", "who has it may write"},
    {"proxies", OptionType::kStrings, "", "who is believed"},
    {"access_log", OptionType::kEnum, "false", "a line a request", "false|common"},
};
constexpr OptionSpec kChat[] = {
    {"web", OptionType::kEndpoints, "", "where its page listens"},
    {"motd", OptionType::kString, "welcome", "the first line"},
};
constexpr OptionSpec kDaytime[] = {
    {"format", OptionType::kEnum, "ctime", "how the line is written", "ctime|iso8601|rfc1123"},
};

constexpr Transports kAll = transports(Transport::kTcp, Transport::kUdp, Transport::kUnix);
constexpr Transports kStreams = transports(Transport::kTcp, Transport::kUnix);
constexpr Transports kTcp = transports(Transport::kTcp);
constexpr Transports kUdp = transports(Transport::kUdp);

}  // namespace

const Schema& settings_schema() {
  static const Schema schema{
      .server = server_options(),
      .health = {"health", 9901, {kCommon}, {{"listen", kStreams}}},
      .admin = {"admin", 9900, {kCommon}, {{"listen", kStreams}}},
      .types = {{"chat", 10023, {kCommon, kChat}, {{"listen", kStreams}, {"web", kTcp}}},
                {"daytime", 10013, {kCommon, kDaytime}, {{"listen", kAll}}},
                {"echo", 10007, {kCommon}, {{"listen", kAll}}},
                {"http", 8080, {kCommon, kHttp}, {{"listen", kStreams}}},
                {"portless", 0, {kCommon}, {{"listen", kAll}}},
                {"sntp", 10123, {kCommon}, {{"listen", kUdp, Transport::kUdp}}}},
  };
  return schema;
}

LoadResult load(std::string_view text, const std::vector<Override>& overrides) {
  return load_settings(text, "a.toml", settings_schema(), overrides);
}

Override set(std::string_view argument) {
  const auto result = parse_override(argument);
  REQUIRE(result);
  return *result;
}

// What is wrong, one message a line.
std::string errors_of(const LoadResult& result) {
  std::string text;
  for (const Error& error : result.errors)
    text += error.text() + "\n";
  return text;
}

ServiceSettings service(const LoadResult& result, std::string_view name) {
  INFO(errors_of(result));
  REQUIRE(result.ok());
  for (const ServiceSettings& found : result.settings.services) {
    if (found.name == name) return found;
  }
  FAIL("no service " << name);
  return result.settings.health;
}

std::string endpoints(const OptionValues& values, std::string_view option) {
  std::string text;
  for (const Endpoint& endpoint : values.endpoints(option)) {
    text += (text.empty() ? "" : " ") + endpoint.text();
  }
  return text;
}

}  // namespace polyport::test
