// The settings: a text and its overrides become checked values, or every error at once.
#include "core/settings/settings.h"

#include "core/settings/server_options.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"
#include "tests/unit/settings_schema.h"

using namespace polyport;
using namespace std::chrono_literals;

namespace {

LoadResult load(std::string_view text, const std::vector<Override>& overrides = {}) {
  return load_settings(text, "a.toml", test::settings_schema(), overrides);
}

Override set(std::string_view argument) {
  const auto result = parse_override(argument);
  REQUIRE(result);
  return *result;
}

std::vector<Override> environment(const std::vector<std::string>& variables) {
  return overrides_from_environment(variables);
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

std::string endpoints(const OptionValues& values, std::string_view option = "listen") {
  std::string text;
  for (const Endpoint& endpoint : values.endpoints(option)) {
    text += (text.empty() ? "" : " ") + endpoint.text();
  }
  return text;
}

}  // namespace

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

// --- overrides

TEST_CASE("the file yields to the environment, and both to --set") {
  const std::string text =
      "[services.web]\ntype = 'http'\nbacklog = 1\nidle_timeout = '1s'\n"
      "on_conflict = 'fail'\n";
  std::vector<Override> overrides = environment(
      {"POLYPORT_SERVICES__WEB__IDLE_TIMEOUT=2s", "POLYPORT_SERVICES__WEB__ON_CONFLICT=skip"});
  overrides.push_back(set("services.web.idle_timeout=3s"));
  const OptionValues web = service(load(text, overrides), "web").values;
  CHECK(web.integer("backlog") == 1);
  CHECK(web.text("on_conflict") == "skip");
  CHECK(web.duration("idle_timeout") == 3s);
  CHECK(web.value("on_conflict").where == "environment POLYPORT_SERVICES__WEB__ON_CONFLICT");
  CHECK(web.value("idle_timeout").where == "--set services.web.idle_timeout");
}

TEST_CASE("the text of an override is read by the type of its option") {
  const auto result = load("[services.web]\ntype = 'http'\n",
                           {set("services.web.enabled=false"), set("services.web.backlog=16"),
                            set("services.web.max_body=1KiB"), set("services.web.token=a=b"),
                            set("services.web.document_root="), set("server.log_level=debug")});
  const OptionValues web = service(result, "web").values;
  CHECK_FALSE(web.boolean("enabled"));
  CHECK(web.integer("backlog") == 16);
  CHECK(web.bytes("max_body") == 1024);
  CHECK(web.text("token") == "a=b");
  CHECK(web.text("document_root").empty());
  CHECK(result.settings.server.text("log_level") == "debug");
}

TEST_CASE("an override of endpoints is one, a list with commas, or a TOML array") {
  const auto listening = [](std::string_view text) {
    const auto result =
        load("[services.echo]\nlisten = 1\n", {set("services.echo.listen=" + std::string(text))});
    return endpoints(service(result, "echo").values);
  };
  CHECK(listening("8081") == "tcp://localhost:8081");
  CHECK(listening("localhost:0") == "tcp://localhost:0");
  CHECK(listening("8081, udp://*:8082") == "tcp://localhost:8081 udp://*:8082");
  CHECK(listening("[::1]:8081") == "tcp://[::1]:8081");
  CHECK(listening("[::1]:8081,[::1]:8082") == "tcp://[::1]:8081 tcp://[::1]:8082");
  CHECK(listening(R"(["localhost:8081", 'udp://[::1]:8082', 8083])") ==
        "tcp://localhost:8081 udp://[::1]:8082 tcp://localhost:8083");
  CHECK(listening("[8081]") == "tcp://localhost:8081");
}

TEST_CASE("a wrong override says where it came from") {
  const auto message = [](const Override& override) {
    return errors_of(load("[services.web]\ntype = 'http'\n", {override}));
  };
  CHECK(message(set("services.web.listen=localhost:70000")) ==
        "--set services.web.listen: error: listen: port 70000 is over 65535 (ports are 0 to "
        "65535)\n");
  CHECK(message(set("services.web.lsiten=1")) ==
        "--set services.web.lsiten: error: unknown key \"lsiten\" (did you mean \"listen\"?)\n");
  CHECK(message(set("services.web.enabled=yes")) ==
        "--set services.web.enabled: error: enabled: expected true or false, got \"yes\"\n");
  CHECK(message(set("services.web.idle_timeout=10")) ==
        "--set services.web.idle_timeout: error: idle_timeout: the duration \"10\" has no unit "
        "(write \"10s\", not \"10\")\n");
  CHECK(message(set("services.web.listen=[\"localhost:1\" 5]")) ==
        "--set services.web.listen: error: listen: \"[\\\"localhost:1\\\" 5]\" is not a TOML array "
        "(write [\"localhost:8080\", \"localhost:8081\"])\n");
  CHECK(
      message(set("services.web.listen=[\"localhost:1\", 5.5]")) ==
      "--set services.web.listen: error: listen: expected an endpoint like \"localhost:8080\", got "
      "the number 5.5\n");
  CHECK(message(set("services.web.listen=[::1]")).find("has no port") != std::string::npos);
  CHECK(message(environment({"POLYPORT_SERVER__LOG_LEVEL=loud"})[0]) ==
        "environment POLYPORT_SERVER__LOG_LEVEL: error: log_level: \"loud\" is not a choice "
        "(choose trace, debug, info, warn, error or off)\n");
}

TEST_CASE("an unknown path names the one that was meant") {
  const auto hint = [](std::string_view argument) {
    const auto result = load("[services.web]\ntype = 'http'\n", {set(argument)});
    REQUIRE(result.errors.size() == 1);
    return result.errors[0].hint;
  };
  CHECK(hint("log_levle=debug") == R"(did you mean "server.log_level"?)");
  CHECK(hint("web.listen=1") == R"(did you mean "services.web.listen"?)");
  CHECK(hint("echo.listen=1") == R"(did you mean "services.echo.listen"?)");
  CHECK(hint("service.web.listen=1") == R"(did you mean "services.web.listen"?)");
  CHECK(hint("sever.name=1") == R"(did you mean "server.name"?)");
  CHECK(hint("server.nothing=1") ==
        "the keys are name, shutdown_grace, log_level, log_format, log_target, max_connections, "
        "reserve_descriptors, state_dir");
  CHECK(hint("services.web=1") ==
        "settings are server.KEY, health.KEY, admin.KEY and services.NAME.KEY");
  CHECK(hint("a.b.c.d=1") ==
        "settings are server.KEY, health.KEY, admin.KEY and services.NAME.KEY");
}

TEST_CASE("an override makes the service that the file lacks, if its type is known") {
  const auto by_type = load("", {set("services.echo.listen=1")});
  CHECK(endpoints(service(by_type, "echo").values) == "tcp://localhost:1");
  CHECK(service(by_type, "echo").where == "--set services.echo.listen");
  // The order of the two does not matter.
  const auto named = load("", {set("services.mirror.listen=2"), set("services.mirror.type=echo")});
  CHECK(service(named, "mirror").type == "echo");
  CHECK(errors_of(load("", {set("services.mirror.listen=2")})) ==
        "--set services.mirror.listen: error: service \"mirror\" needs a type (add type = "
        "\"TYPE\", one of chat, daytime, echo, http, portless, sntp)\n");
  CHECK_FALSE(load("", {set("services.Bad.type=echo")}).ok());
}

TEST_CASE("an override mends a wrong value of the file, but not a wrong section") {
  CHECK(
      load("[services.echo]\nlisten = 'localhost:99999'\n", {set("services.echo.listen=1")}).ok());
  CHECK(errors_of(load("services = 5\n", {set("services.echo.listen=1")})) ==
        "a.toml:1:1: error: \"services\" is not a section (write a line [services] and its keys "
        "below it)\n");
}

TEST_CASE("only variables with a section and two underscores are settings") {
  const auto overrides =
      environment({"PATH=/bin", "POLYPORT_PORT=tcp://10.0.0.1:80", "POLYPORT_SERVICE_HOST=10.0.0.1",
                   "POLYPORT_SERVICE_PORT=80", "POLYPORT_PORT_80_TCP=tcp://10.0.0.1:80",
                   "POLYPORT_PORT_80_TCP_ADDR=10.0.0.1", "POLYPORT_PORT_80_TCP_PORT=80",
                   "POLYPORT_PORT_80_TCP_PROTO=tcp", "POLYPORT_ENV__X=1", "POLYPORT_SERVER_NAME=no",
                   "XPOLYPORT_SERVER__NAME=no", "polyport_server__name=no",
                   "POLYPORT_server__name=no", "POLYPORT_SERVER__NAME", "POLYPORT_SERVER=x",
                   "POLYPORT_SERVER__STATE_DIR=/a=b", "POLYPORT_SERVICES__WEB__LISTEN="});
  REQUIRE(overrides.size() == 2);
  CHECK(overrides[0].path == "server.state_dir");
  CHECK(overrides[0].text == "/a=b");
  CHECK(overrides[0].origin == "environment POLYPORT_SERVER__STATE_DIR");
  CHECK(overrides[1].path == "services.web.listen");
  CHECK(overrides[1].text.empty());
}

TEST_CASE("a variable finds a service whose name has a dash") {
  const std::string text = "[services.my-web]\ntype = 'http'\n[services.my_chat]\ntype = 'chat'\n";
  const auto result = load(text, environment({"POLYPORT_SERVICES__MY_WEB__LISTEN=1",
                                              "POLYPORT_SERVICES__MY_CHAT__LISTEN=2"}));
  CHECK(endpoints(service(result, "my-web").values) == "tcp://localhost:1");
  CHECK(endpoints(service(result, "my_chat").values) == "tcp://localhost:2");
  // --set means what it says.
  CHECK_FALSE(load(text, {set("services.my_web.listen=1")}).ok());
}

TEST_CASE("a variable that may mean two services is an error") {
  const std::string text = "[services.a-b]\ntype = 'echo'\n[services.a_b]\ntype = 'echo'\n";
  CHECK(errors_of(load(text, environment({"POLYPORT_SERVICES__A_B__LISTEN=1"}))) ==
        "environment POLYPORT_SERVICES__A_B__LISTEN: error: the variable may mean \"a-b\" or "
        "\"a_b\" (rename one of the services, or use --set)\n");
}

TEST_CASE("a --set needs a name and a value") {
  const auto error = [](std::string_view argument) {
    const auto result = parse_override(argument);
    return result ? "none" : result.error().text();
  };
  CHECK(error("server.name") ==
        "--set server.name: error: a setting needs a value after a \"=\" (write --set "
        "services.web.listen=localhost:8081)");
  CHECK(error("=hunter2") ==
        "--set: error: a setting needs a name before the \"=\" (write --set "
        "services.web.listen=localhost:8081)");
  CHECK(error("") == error("=hunter2"));
  CHECK(error("server.name=") == "none");
  CHECK(set(" server.name =x y").path == "server.name");
  CHECK(set("a\x1b=1").origin == "--set a\\x1b");
}

// --- the files people run

TEST_CASE("the load test's configuration is good") {
  const auto result = load(test::read_file(test::source_path("config/loadtest.toml")));
  CHECK(endpoints(service(result, "web").values) == "tcp://localhost:18080");
  CHECK(endpoints(service(result, "echo").values) == "tcp://localhost:18007 udp://localhost:18007");
  CHECK(result.settings.server.text("log_level") == "warn");
}
