// Overrides: the environment and --set, read and laid over a file.
#include "core/settings/settings.h"
#include "tests/support/catch.h"
#include "tests/unit/settings_schema.h"

using namespace polyport;
using namespace polyport::test;
using namespace std::chrono_literals;

namespace {

std::vector<Override> environment(const std::vector<std::string>& variables) {
  return overrides_from_environment(variables);
}

}  // namespace

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
        "the keys are name, shutdown_grace, log_level, log_format, log_target, workers, "
        "max_connections, "
        "max_connections_per_address, max_new_connections_per_second, max_queued, memory_limit, "
        "reserve_descriptors, state_dir, tls.auto, tls.names");
  CHECK(hint("server.tls.auto.x=1") ==
        "settings are server.KEY, health.KEY, admin.KEY and services.NAME.KEY");
  CHECK(hint("services.web=1") ==
        "settings are server.KEY, health.KEY, admin.KEY and services.NAME.KEY");
  CHECK(hint("a.b.c.d=1") ==
        "settings are server.KEY, health.KEY, admin.KEY and services.NAME.KEY");
}

TEST_CASE("an override reaches into a table of a section") {
  const auto is_auto = [](const LoadResult& result) {
    return result.settings.server.boolean("tls.auto");
  };
  CHECK_FALSE(is_auto(load("", {})));
  CHECK(is_auto(load("[server.tls]\nauto = true\n", {})));
  CHECK(is_auto(load("", {set("server.tls.auto=true")})));
  CHECK_FALSE(is_auto(load("[server.tls]\nauto = true\n", {set("server.tls.auto=false")})));
  const auto both =
      load("[server]\nname = 'x'\n", environment({"POLYPORT_SERVER__TLS__AUTO=true",
                                                  "POLYPORT_SERVER__TLS__NAMES=a.test,b.test"}));
  CHECK(is_auto(both));
  CHECK(both.settings.server.texts("tls.names") == std::vector<std::string>{"a.test", "b.test"});
  CHECK(errors_of(load("", {set("server.tls.auto=yes")})) ==
        "--set server.tls.auto: error: tls.auto: expected true or false, got \"yes\"\n");
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
