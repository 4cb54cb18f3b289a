// What a person is told to do, and what nobody must be told to do.
#include "core/ports/suggestions.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/ports/judge.h"
#include "tests/support/catch.h"
#include "tests/support/port_facts_fixture.h"

using namespace polyport;
using Catch::Matchers::Contains;
using Machine = FactsFixture;

namespace {

const BindTarget kWeb = Machine::tcp("127.0.0.1", 8080);

bool all_free(const BindTarget&) {
  return true;
}

std::vector<Suggestion> suggested(const Machine& machine, const BindAttempt& attempt,
                                  std::function<bool(const BindTarget&)> is_free = all_free,
                                  std::vector<BindTarget> wanted = {},
                                  std::string_view run_command = "polyport run my.toml") {
  Remedies remedies{.facts = machine.facts,
                    .wanted = wanted,
                    .run_command = run_command,
                    .is_free = std::move(is_free)};
  remedies.free_offset = find_free_offset(remedies);
  return suggestions(judge(attempt, machine.facts, {}), remedies);
}

const Suggestion* find(const std::vector<Suggestion>& all, std::string_view kind) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [kind](const Suggestion& each) { return each.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<Suggestion> for_holder(Process process, BindTarget at = kWeb) {
  Machine machine;
  machine.add_listener(at, std::move(process));
  return suggested(machine, Machine::refused(at, EADDRINUSE));
}

}  // namespace

TEST_CASE("another port of a service on the command line is a command", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  BindAttempt attempt = Machine::refused(kWeb, EADDRINUSE);
  const auto command = [&](const char* where, const char* run_command) {
    attempt.where = where;
    const auto all = suggested(machine, attempt, all_free, {}, run_command);
    return find(all, "other_port")->command;
  };
  CHECK(command("http:8080", "polyport run http:8080") == "polyport run http:8081");
  CHECK(command("http:8080", "polyport run xhttp:8080 http:8080 echo:7 --only http") ==
        "polyport run xhttp:8080 http:8081 echo:7 --only http");
  // The port is not written there: the policy finds it.
  CHECK(command("http:8079", "polyport run http:8079 --offset 1") ==
        "polyport run http:8079 --offset 1 --set services.web.on_conflict=next");
  CHECK(command("demo:51:10", "polyport run") ==
        "polyport run --set services.web.on_conflict=next");
  CHECK(command("http@a:127.0.0.1:8080", "polyport run http@a:127.0.0.1:8080") ==
        "polyport run http@a:127.0.0.1:8081");
}

TEST_CASE("the next port that is really free", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const auto from_8083 = [](const BindTarget& target) { return target.address.port >= 8083; };
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE), from_8083,
                             {kWeb, Machine::tcp("0.0.0.0", 8083)});  // 8083 is another service's
  const Suggestion* const other = find(all, "other_port");
  REQUIRE(other != nullptr);
  CHECK(other->endpoint == "tcp://127.0.0.1:8084");
  CHECK(other->config == "\"127.0.0.1:8084\"");
  CHECK_THAT(other->text, Contains("8085") && Contains("[services.web]"));
  CHECK(all.front().kind == "other_port");
}

TEST_CASE("what is written where there is no file is a setting of the command", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  BindAttempt demo = Machine::refused(kWeb, EADDRINUSE);
  demo.where = "demo:51:10";
  const auto all = suggested(machine, demo);
  CHECK(find(all, "other_port")->config.empty());
  CHECK(find(all, "on_conflict")->command ==
        "polyport run my.toml --set services.web.on_conflict=next");
}

TEST_CASE("what is written in a file is without the offset", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const Remedies remedies{.facts = machine.facts,
                          .wanted = {},
                          .run_command = "polyport run my.toml",
                          .is_free = all_free,
                          .offset = 80};
  const BindAttempt refused = Machine::refused(kWeb, EADDRINUSE);
  const auto all = suggestions(judge(refused, machine.facts, {}), remedies);
  const Suggestion* const other = find(all, "other_port");
  REQUIRE(other != nullptr);
  CHECK(other->config == "\"127.0.0.1:8001\"");
  CHECK(other->endpoint == "tcp://127.0.0.1:8081");
  CHECK_THAT(other->text, Contains("instead of \"127.0.0.1:8000\"") && Contains("port 8081"));
  CHECK(find(all, "other_address")->config == "\"127.0.0.2:8000\"");
}

TEST_CASE("localhost moves as one", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const auto but_ipv6_8081 = [](const BindTarget& target) {
    return target.address.family == Family::kIPv4 || target.address.port != 8081;
  };
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE), but_ipv6_8081,
                             {kWeb, Machine::tcp("::1", 8080)});
  CHECK(find(all, "other_port")->config == "\"localhost:8082\"");
  CHECK(find(all, "other_address") == nullptr);
}

TEST_CASE("what is pasted does what it says, whatever a path is called", "[suggestions]") {
  const auto removal = [](std::string_view path) {
    return find(suggested(Machine(), Machine::refused(Machine::path(path), EADDRINUSE)),
                "remove_file")
        ->command;
  };
  CHECK(removal("/tmp/x;touch y") == "rm '/tmp/x;touch y'");
  CHECK(removal("/tmp/$(id)") == "rm '/tmp/$(id)'");
  CHECK(removal("/tmp/it's") == "rm '/tmp/it'\\''s'");
  CHECK(removal("-rf") == "rm ./-rf");
  CHECK(removal("/tmp/\xc2\x9b[2J").empty());  // cannot be shown: no command
  const auto folder =
      suggested(Machine(), Machine::refused(Machine::path("/a \"b\"/x"), EISDIR, BindStep::kPath));
  CHECK(find(folder, "other_path")->config == R"("unix:/a \"b\"/x/socket")");
}

TEST_CASE("reserving a port keeps those that are reserved", "[suggestions]") {
  Machine machine;
  machine.facts.reserved.set(5000);
  KernelSocket& socket = machine.add(SocketState::kEstablished, Machine::tcp("127.0.0.1", 40001),
                                     {.process = Machine::process(4211, "firefox")});
  socket.peer = *Address::parse_ip("10.0.0.9", 443);
  const auto all =
      suggested(machine, Machine::refused(Machine::tcp("127.0.0.1", 40001), EADDRINUSE));
  CHECK_THAT(find(all, "reserve")->command, Contains("=5000,40001"));
}

TEST_CASE("all processes that have the socket open are stopped", "[suggestions]") {
  Machine machine;
  machine.add(SocketState::kListening, kWeb,
              {.process = Machine::process(4211, "python3"), .more_pids = {4212, 4213}});
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE));
  CHECK(find(all, "stop_holder")->command == "kill 4211 4212 4213");
}

TEST_CASE("no port is offered that was not free", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const auto none = [](const BindTarget&) { return false; };
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE), none, {kWeb});
  CHECK(find(all, "other_port") == nullptr);
  CHECK(find(all, "other_address") == nullptr);
  CHECK(find(all, "offset") == nullptr);
  CHECK(find(all, "on_conflict") != nullptr);
}

TEST_CASE("an offset that suits every port of the configuration", "[suggestions]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "polyport"));
  const std::vector<BindTarget> wanted = {kWeb, Machine::tcp("127.0.0.1", 10007)};
  const auto but_10107 = [](const BindTarget& target) { return target.address.port != 10107; };
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE), but_10107, wanted);
  REQUIRE(find(all, "offset") != nullptr);
  CHECK(find(all, "offset")->command == "polyport run my.toml --offset 200");
  // Ports below 1024 are not moved by an offset.
  const auto low = suggested(machine, Machine::refused(kWeb, EADDRINUSE), all_free,
                             {kWeb, Machine::tcp("127.0.0.1", 80)});
  CHECK(find(low, "offset") == nullptr);
}

TEST_CASE("stopping the holder", "[suggestions]") {
  const auto yours = for_holder(Machine::process(4211, "python3"));
  REQUIRE(find(yours, "stop_holder") != nullptr);
  CHECK(find(yours, "stop_holder")->command == "kill 4211");
  const auto others = for_holder(Machine::process(812, "postgres", 112));
  CHECK(find(others, "stop_holder")->command == "sudo kill 812");
}

TEST_CASE("what must not be stopped by its number", "[suggestions]") {
  for (const char* name : {"sshd", "sshd-session", "docker-proxy", "rootlesskit", "rootlessport",
                           "systemd", "containerd-shim", "systemd-resolve", "xinetd"}) {
    CAPTURE(name);
    CHECK(find(for_holder(Machine::process(4211, name)), "stop_holder") == nullptr);
  }
  CHECK(find(for_holder(Machine::process(4211, "docker-proxy")), "stop_container")->command ==
        "docker ps --filter publish=8080");
  const auto first = for_holder(Machine::process(1, "systemd", 0));
  CHECK(find(first, "stop_holder") == nullptr);
  CHECK(find(first, "stop_unit")->command == "systemctl list-sockets");
  Process nginx = Machine::process(812, "nginx", 0);
  nginx.unit = "nginx.service";
  CHECK(find(for_holder(nginx), "stop_unit")->command == "sudo systemctl stop nginx.service");
  CHECK(find(for_holder(nginx), "stop_holder") == nullptr);
  Process own_unit = Machine::process(813, "syncthing");
  own_unit.unit = "syncthing.service";
  own_unit.user_unit = true;
  CHECK(find(for_holder(own_unit), "stop_unit")->command ==
        "systemctl --user stop syncthing.service");
  Process contained = Machine::process(812, "nginx", 0);
  contained.container = "docker 0123456789ab";
  CHECK(find(for_holder(contained), "stop_container")->command == "docker stop 0123456789ab");
}

TEST_CASE("a client of the port is never stopped", "[suggestions]") {
  Machine talking;
  BindTarget udp = Machine::tcp("127.0.0.1", 40002);
  udp.transport = Transport::kUdp;
  talking.add(SocketState::kEstablished, udp, {.process = Machine::process(4211, "firefox")}).peer =
      *Address::parse_ip("10.0.0.9", 53);
  CHECK(find(suggested(talking, Machine::refused(udp, EADDRINUSE)), "stop_holder") == nullptr);
  Machine machine;
  KernelSocket& socket = machine.add(SocketState::kEstablished, Machine::tcp("127.0.0.1", 40001),
                                     {.process = Machine::process(4211, "firefox")});
  socket.peer = *Address::parse_ip("10.0.0.9", 443);
  const auto all =
      suggested(machine, Machine::refused(Machine::tcp("127.0.0.1", 40001), EADDRINUSE));
  CHECK(find(all, "stop_holder") == nullptr);
  CHECK_THAT(find(all, "reserve")->command, Contains("ip_local_reserved_ports=40001"));
}

TEST_CASE("TIME_WAIT asks for patience", "[suggestions]") {
  Machine machine;
  machine.add(SocketState::kTimeWait, kWeb).inode = 0;
  const auto all = suggested(machine, Machine::refused(kWeb, EADDRINUSE));
  CHECK(all.front().kind == "wait");
  CHECK(all.front().config == "on_conflict = \"retry\"");
  BindAttempt asked = Machine::refused(kWeb, EADDRINUSE);
  asked.service.clear();
  CHECK(suggested(machine, asked).front().command == "polyport ports --all --port 8080");
}

TEST_CASE("a port below 1024", "[suggestions]") {
  const auto all = suggested(Machine(), Machine::refused(Machine::tcp("0.0.0.0", 80), EACCES));
  CHECK(find(all, "other_port")->endpoint == "tcp://0.0.0.0:8080");
  CHECK(find(all, "setcap") == nullptr);  // whose path nobody knows here
  CHECK(find(all, "activation")->config == "ListenStream=0.0.0.0:80");
  CHECK_THAT(find(all, "unprivileged_start")->command, Contains("ip_unprivileged_port_start=80"));
}

TEST_CASE("an address this machine does not have", "[suggestions]") {
  const auto all =
      suggested(Machine(), Machine::refused(Machine::tcp("192.0.2.1", 8080), EADDRNOTAVAIL));
  CHECK_THAT(find(all, "own_address")->text, Contains("10.1.2.3"));
  CHECK(find(all, "on_conflict")->config == "on_conflict = \"retry\"");
}

TEST_CASE("paths", "[suggestions]") {
  const auto suggested_for = [](int error, BindStep step) {
    return suggested(Machine(), Machine::refused(Machine::path("/run/lab/x"), error, step));
  };
  CHECK(find(suggested_for(EADDRINUSE, BindStep::kBind), "remove_file")->command ==
        "rm /run/lab/x");
  CHECK(find(suggested_for(ENOENT, BindStep::kBind), "make_directory")->command ==
        "mkdir -p /run/lab");
  CHECK(find(suggested_for(EACCES, BindStep::kBind), "permission")->command == "ls -ld /run/lab");
  CHECK_THAT(find(suggested_for(EISDIR, BindStep::kPath), "other_path")->config,
             Contains("/run/lab/x/socket"));
  CHECK(find(suggested_for(ENAMETOOLONG, BindStep::kPath), "other_path")->config ==
        "\"unix:/tmp/web.sock\"");
}

TEST_CASE("a path beside one that is taken", "[suggestions]") {
  Machine machine;
  machine.add_listener(Machine::path("/nowhere/echo.sock"), Machine::process(4211, "python3"));
  const auto all =
      suggested(machine, Machine::refused(Machine::path("/nowhere/echo.sock"), EADDRINUSE));
  REQUIRE(find(all, "other_path") != nullptr);
  CHECK(find(all, "other_path")->config == "\"unix:/nowhere/echo-2.sock\"");
}

TEST_CASE("a part of a path that is no directory is shown", "[suggestions]") {
  const auto all = suggested(
      Machine(), Machine::refused(Machine::path("/dev/null/x"), ENOTDIR, BindStep::kPath));
  CHECK(find(all, "other_path")->command == "ls -ld /dev/null");
}
