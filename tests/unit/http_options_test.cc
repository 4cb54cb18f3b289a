// The options of an HTTP door: their rows against the engine's own defaults, and what is not taken.
#include "core/http/options.h"

#include "core/settings/settings.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

LoadResult load(std::string_view text, const Schema& schema) {
  return load_settings(text, "a.toml", schema);
}

Schema web_schema() {
  static constexpr OptionSpec kCommon[] = {
      {.name = "listen", .type = OptionType::kEndpoints, .fallback = "", .help = "where"},
      {.name = "idle_timeout", .type = OptionType::kDuration, .fallback = "0s", .help = "silence"}};
  Schema schema;
  TypeSchema web;
  web.name = "http";
  web.default_port = 8080;
  web.options = {kCommon, http::option_rows()};
  web.doors = {{"listen", transports(Transport::kTcp), Transport::kTcp}};
  schema.types = {web};
  schema.health = schema.admin = web;
  schema.health.name = "health";
  schema.admin.name = "admin";
  return schema;
}

}  // namespace

TEST_CASE("the rows' defaults are the engine's") {
  const Schema schema = web_schema();
  const LoadResult result = load("[services.http]\n", schema);
  INFO((result.errors.empty() ? std::string() : result.errors.front().text()));
  REQUIRE(result.ok());
  const http::ServerOptions options = http::options_from(result.settings.services.at(0).values);
  const http::ServerOptions defaults;
  CHECK(options.max_body == defaults.max_body);
  CHECK(options.limits.max_request_line == defaults.limits.max_request_line);
  CHECK(options.limits.max_header_bytes == defaults.limits.max_header_bytes);
  CHECK(options.limits.max_headers == defaults.limits.max_headers);
  CHECK(options.header_timeout == defaults.header_timeout);
  CHECK(options.body_timeout == defaults.body_timeout);
  CHECK(options.body_min_rate == defaults.body_min_rate);
  CHECK(options.keepalive_timeout == defaults.keepalive_timeout);
  CHECK(options.keepalive_requests == defaults.keepalive_requests);
}

TEST_CASE("every option reaches the engine") {
  const Schema schema = web_schema();
  const LoadResult result = load(
      "[services.http]\nmax_body = \"1B\"\nmax_request_line = \"300B\"\n"
      "max_header_bytes = \"301B\"\nmax_headers = 3\nheader_timeout = \"4s\"\nbody_timeout = "
      "\"5s\"\n"
      "body_min_rate = \"6B\"\nkeepalive_timeout = \"7s\"\nkeepalive_requests = 8\n",
      schema);
  REQUIRE(result.ok());
  const http::ServerOptions options = http::options_from(result.settings.services.at(0).values);
  CHECK(options.max_body == 1);
  CHECK(options.limits.max_request_line == 300);
  CHECK(options.limits.max_header_bytes == 301);
  CHECK(options.limits.max_headers == 3);
  CHECK(options.header_timeout == std::chrono::seconds(4));
  CHECK(options.body_timeout == std::chrono::seconds(5));
  CHECK(options.body_min_rate == 6);
  CHECK(options.keepalive_timeout == std::chrono::seconds(7));
  CHECK(options.keepalive_requests == 8);
}

TEST_CASE("idle_timeout is not taken, and the error names what is") {
  const Schema schema = web_schema();
  const LoadResult result = load("[services.http]\nidle_timeout = \"60s\"\n", schema);
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].where == "a.toml:2:1");
  CHECK(result.errors[0].hint.find("keepalive_timeout") != std::string::npos);
}
