// The settings: a text and its overrides become checked values, or every error at once.
#include "core/settings/settings.h"

#include "core/settings/server_options.h"
#include "tests/support/catch.h"
#include "tests/unit/settings_schema.h"

using namespace polyport;
using namespace polyport::test;
using namespace std::chrono_literals;

// --- values

TEST_CASE("every kind of value is read, and keeps its place") {
  const auto result = load(R"(
[server]
max_connections = 500
[services.web]
type = "http"
enabled = false
listen = ["localhost:8080", 8081]
idle_timeout = "1.5s"
max_body = "2MiB"
document_root = "/srv"
token = "s3cret"
on_conflict = "skip"
)");
  const OptionValues web = service(result, "web").values;
  CHECK(result.settings.server.integer("max_connections") == 500);
  CHECK_FALSE(web.boolean("enabled"));
  CHECK(endpoints(web) == "tcp://localhost:8080 tcp://localhost:8081");
  CHECK(web.duration("idle_timeout") == 1500ms);
  CHECK(web.bytes("max_body") == 2u << 20);
  CHECK(web.text("document_root") == "/srv");
  CHECK(web.text("token") == "s3cret");
  CHECK(web.text("on_conflict") == "skip");
  CHECK(web.text("type") == "http");
  CHECK(web.value("idle_timeout").where == "a.toml:8:16");
  CHECK_FALSE(web.value("idle_timeout").is_default);
  CHECK(service(result, "web").where == "a.toml:4:11");
}

TEST_CASE("a list of texts, and an enum that may be false") {
  const auto web = [](const std::string& line, const std::vector<Override>& overrides = {}) {
    return load("[services.web]\ntype = 'http'\n" + line, overrides);
  };
  const auto proxies = [](const LoadResult& result) {
    const OptionValues values = service(result, "web").values;
    std::string all;
    for (const std::string& text : values.texts("proxies"))
      all += "[" + text + "]";
    return all;
  };
  CHECK(proxies(web("")).empty());
  CHECK(proxies(web("proxies = []")).empty());
  CHECK(proxies(web("proxies = ['10.0.0.0/8', '::1']")) == "[10.0.0.0/8][::1]");
  CHECK(proxies(web("proxies = '10.0.0.0/8, ::1'")) == "[10.0.0.0/8][::1]");
  CHECK(proxies(web("", {{"services.web.proxies", "a,b", "--set"}})) == "[a][b]");
  CHECK(web("proxies = ['a', 1]").errors[0].what ==
        "proxies: expected a text in quotes or a list of them, got the integer 1");
  CHECK(web("proxies = 1").errors.size() == 1);
  CHECK(web("proxies = ['a\\u0000']").errors.empty());  // a literal backslash
  CHECK(web("proxies = [\"a\\u0000\"]").errors.size() == 1);
  const auto access_log = [](const LoadResult& result) {
    return service(result, "web").values.text("access_log");
  };
  CHECK(access_log(web("")) == "false");
  CHECK(access_log(web("access_log = false")) == "false");
  CHECK(access_log(web("access_log = 'false'")) == "false");
  CHECK(access_log(web("access_log = 'common'")) == "common");
  CHECK(web("access_log = true").errors.size() == 1);
}

TEST_CASE("each endpoint knows where it was written") {
  const auto places = [](const OptionValues& values) { return values.value("listen").places; };
  const auto result = load(R"([services.echo]
listen = [
  "localhost:1", 2,
  "udp://localhost:3"]
[services.web]
type = "http"
listen = 80
[services.chat]
)");
  using Places = std::vector<std::string>;
  CHECK(places(service(result, "echo").values) ==
        Places{"a.toml:3:3", "a.toml:3:18", "a.toml:4:3"});
  CHECK(places(service(result, "web").values) == Places{"a.toml:7:10"});
  CHECK(places(service(result, "chat").values) == Places{"default"});
}

TEST_CASE("what is left out has the default of its row") {
  const auto result = load("[services.echo]\n[services.web]\ntype = 'http'\n");
  const OptionValues echo = service(result, "echo").values;
  CHECK(endpoints(echo) == "tcp://localhost:10007");
  CHECK(echo.boolean("enabled"));
  CHECK(echo.integer("backlog") == 4096);
  CHECK(echo.bytes("write_high") == 65536);
  CHECK(echo.duration("idle_timeout") == 0ms);
  CHECK(echo.value("backlog").is_default);
  CHECK(echo.value("backlog").where == "default");
  // http has an idle_timeout row of its own, which comes after the common one.
  CHECK(service(result, "web").values.duration("idle_timeout") == 75s);
  CHECK_FALSE(echo.has("max_body"));
}

TEST_CASE("an empty configuration has the server, health and admin of the defaults") {
  const auto result = load("");
  REQUIRE(result.ok());
  CHECK(result.settings.server.text("name") == "polyport");
  CHECK(result.settings.server.duration("shutdown_grace") == 5s);
  CHECK(result.settings.server.integer("reserve_descriptors") == 64);
  CHECK(endpoints(result.settings.health.values) == "tcp://localhost:9901");
  CHECK(endpoints(result.settings.admin.values) == "tcp://localhost:9900");
  CHECK(result.settings.admin.type == "admin");
  CHECK(result.settings.services.empty());
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0].what == "the configuration has no service");
}

TEST_CASE("a door that nobody mentions is closed, and one without a port needs listen") {
  const auto result = load("[services.chat]\n[services.more]\ntype='chat'\nweb=8090\nlisten=1\n");
  CHECK(endpoints(service(result, "chat").values, "web").empty());
  CHECK(endpoints(service(result, "more").values, "web") == "tcp://localhost:8090");
  CHECK(errors_of(load("[services.portless]\nlisten = 5000\n")).empty());
  CHECK(errors_of(load("[services.portless]\n")).find("has no port of its own") !=
        std::string::npos);
}

TEST_CASE("an endpoint without a transport takes that of its door") {
  const auto result = load("[services.sntp]\nlisten = 'localhost:10123'\n[services.echo]\n");
  CHECK(endpoints(service(result, "sntp").values) == "udp://localhost:10123");
  CHECK(endpoints(service(load("[services.sntp]\n"), "sntp").values) == "udp://localhost:10123");
}

TEST_CASE("services keep the order of the file") {
  const auto result = load(
      "[services.zebra]\ntype = "
      "'echo'\n[services.echo]\n[server]\n[services.alpha]\ntype='chat'\n");
  REQUIRE(result.ok());
  std::string order;
  for (const auto& found : result.settings.services)
    order += found.name + " ";
  CHECK(order == "zebra echo alpha ");
}

TEST_CASE("tables may be written inline or with dotted keys") {
  const auto result = load("services.echo.listen = 7\nservices.web = { type = 'http' }\n");
  CHECK(endpoints(service(result, "echo").values) == "tcp://localhost:7");
  CHECK(service(result, "web").type == "http");
}

TEST_CASE("a default that its own row refuses is reported with its row") {
  static constexpr OptionSpec kRows[] = {{"grace", OptionType::kDuration, "10", "no unit"}};
  const Schema& good = test::settings_schema();
  const Schema schema{kRows, good.health, good.admin, good.types};
  const auto result = load_settings("", "a.toml", schema);
  REQUIRE(result.errors.size() == 1);
  CHECK(result.errors[0].what ==
        "the built-in default is wrong: grace: the duration \"10\" has no unit");
}

TEST_CASE("every option of [server] has a good default") {
  const auto result = load("[services.echo]\n");
  REQUIRE(result.ok());
  for (const OptionSpec& row : server_options()) {
    INFO(row.name);
    CHECK(result.settings.server.has(row.name));
    CHECK_FALSE(row.help.empty());
    CHECK_FALSE(row.help.ends_with('.'));
  }
}

// --- errors

TEST_CASE("all errors come at once, in the order of the file and then of the overrides") {
  const auto result = load("[services.b]\ntype = 'nope'\n[admin]\nx = 1\n[services.a]\n",
                           {set("services.echo.backlog=0"), set("nonsense=1")});
  CHECK(errors_of(result) ==
        "a.toml:2:8: error: unknown service type \"nope\" (the types are chat, daytime, echo, "
        "http, portless, sntp)\n"
        "a.toml:4:1: error: unknown key \"x\" (`polyport services admin` lists the keys)\n"
        "a.toml:5:11: error: service \"a\" needs a type (add type = \"TYPE\", one of chat, "
        "daytime, echo, http, portless, sntp)\n"
        "--set services.echo.backlog: error: backlog: 0 is out of range (from 1 to 65535)\n"
        "--set nonsense: error: unknown setting \"nonsense\" (settings are server.KEY, health.KEY, "
        "admin.KEY and services.NAME.KEY)\n");
}

TEST_CASE("a type is a name in quotes, and one that exists") {
  CHECK(errors_of(load("[services.a]\ntype = 21\n")) ==
        "a.toml:2:8: error: type: expected a service type in quotes (the types are chat, daytime, "
        "echo, http, portless, sntp)\n");
  CHECK(errors_of(load("[services.a]\ntype = 'htpp'\n")) ==
        "a.toml:2:8: error: unknown service type \"htpp\" (did you mean \"http\"?)\n");
  CHECK(
      errors_of(load("[services.ehco]\n")) ==
      "a.toml:1:11: error: service \"ehco\" needs a type (did you mean [services.echo]? Otherwise "
      "add type = \"echo\")\n");
}

TEST_CASE("each door takes its own transports") {
  CHECK(errors_of(load("[services.chat]\nlisten = 'unix:chat'\nweb = [80, 'unix:page']\n")) ==
        "a.toml:3:12: error: web: chat does not speak unix (it speaks tcp)\n");
}

TEST_CASE("bounds are told in the unit of the option") {
  CHECK(errors_of(load("[services.web]\ntype = 'http'\nwrite_high = '1B'\nmax_body = '2GiB'\n"
                       "idle_timeout = '1d'\n[services.echo]\nidle_timeout = '25h'\n")) ==
        "a.toml:3:14: error: write_high: 1B is out of range (1KiB or more)\n"
        "a.toml:4:12: error: max_body: 2GiB is out of range (from 0B to 1GiB)\n"
        "a.toml:7:16: error: idle_timeout: 25h is out of range (from 0s to 1d)\n");
}

TEST_CASE("a secret is never shown") {
  const std::string where = "[services.web]\ntype = 'http'\n";
  for (const std::string& line :
       {std::string("token = 424242"), std::string("token = 4.24242"),
        std::string("token = ['424242']"), std::string("token = \"424\\u0000242\"")}) {
    INFO(line);
    const auto result = load(where + line + "\n");
    CHECK_FALSE(result.ok());
    CHECK(errors_of(result).find("242") == std::string::npos);
  }
  const auto result =
      load(where, {{.path = "services.web.token", .text = "\xFF 424242", .origin = "--set x"}});
  CHECK_FALSE(result.ok());
  CHECK(errors_of(result).find("424242") == std::string::npos);
}

TEST_CASE("a configuration is at most 1 MiB") {
  const std::string comment(1024 * 1024, '#');
  CHECK(load(comment).ok());
  CHECK(errors_of(load(comment + "#")) ==
        "a.toml: error: a configuration of 1048577 bytes is larger than 1 MiB (is this the right "
        "file?)\n");
}

TEST_CASE("a configuration may have many sections") {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += "[services.s" + std::to_string(i) + "]\ntype = 'echo'\nlisten = 10.5\n";
  }
  CHECK(load(text).errors.size() == 300);
  CHECK(load(text).errors.back().where == "a.toml:900:10");
}

TEST_CASE("nesting and numbers of errors are bounded") {
  const auto repeated = [](std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i)
      text += part;
    return text;
  };
  CHECK_FALSE(load("a = " + repeated("[", 500'000)).ok());
  CHECK_FALSE(load("a = " + repeated("{a=", 300'000)).ok());
  CHECK_FALSE(load("a" + repeated(".a", 500'000) + " = 1").ok());
  CHECK_FALSE(load("[a" + repeated(".a", 500'000) + "]").ok());
  // As deep as the bounds allow, dotted keys and lists together.
  const std::string dotted = "a" + repeated(".a", 100) + " = ";
  std::string deep = dotted;
  for (int i = 0; i < 7; ++i)
    deep += "[\n{" + dotted;
  CHECK_FALSE(load(deep + "1" + repeated("}]", 7)).ok());

  std::string many;
  for (int i = 0; i < 20'000; ++i)
    many += "key" + std::to_string(i) + " = 1\n";
  const auto result = load(many);
  CHECK(result.errors.size() == 1001);
  CHECK(result.errors.back().what == "too many errors, the rest is not shown");
}

TEST_CASE("letters beyond ASCII may stand in every kind of text and in comments") {
  const auto motd = [](const std::string& value) {
    const auto result =
        load("# \u00e9 \u201c\n[services.chat] # \u00e9\nmotd = " + value + " # \u00fc\n");
    return service(result, "chat").values.text("motd");
  };
  CHECK(motd("'\u00e9'") == "\u00e9");
  CHECK(motd("\"\u00e9 \\\" # \u00e9\"") == "\u00e9 \" # \u00e9");
  CHECK(motd("'''\n\u00e9 ' '' \u00e9'''") == "\u00e9 ' '' \u00e9");
  CHECK(motd("\"\"\"\u00e9\n\\\n  a \u00e9\"\"\"\"\"") == "\u00e9\na \u00e9\"\"");
  CHECK(motd("\"\"").empty());
  CHECK(load("\uFEFF[services.echo]\n").ok());
  CHECK(load("'\u00e9' = 1").errors.at(0).what == "unknown key \"\u00e9\"");
  CHECK(load("a = 1 \u00e9").errors.at(0).where == "a.toml:1:7");
  CHECK(load("'\u00e9\u00e9' = \u00e9").errors.at(0).where == "a.toml:1:8");
  CHECK(motd("\"\\\" \u00e9\"") == "\" \u00e9");
  // No escape hides the end of the text.
  const auto outside = [](const std::string& text) {
    return load(text).errors.at(0).what.find("stands outside of quotes") != std::string::npos;
  };
  CHECK(outside("a = 'x\\' \u00e9"));
  CHECK(outside("a = \"x\\\\\" \u00e9"));
  CHECK(outside("a = \"\"\"x\\\n \"\"\" \u00e9"));
  CHECK(load("a = 'x\\' \u00e9").errors.at(0).where == "a.toml:1:10");
  CHECK(load("a = \"x\\\\\" \u00e9").errors.at(0).where == "a.toml:1:11");
}
