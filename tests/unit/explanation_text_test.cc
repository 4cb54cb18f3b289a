// Explanations as a person reads them.
#include <cerrno>

#include "core/base/layout.h"
#include "core/base/text.h"
#include "core/ports/explanation.h"
#include "core/ports/judge.h"
#include "core/ports/suggestions.h"
#include "tests/support/catch.h"
#include "tests/support/port_facts_fixture.h"

using namespace polyport;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Machine = FactsFixture;

namespace {

std::vector<Explanation> explained(const Machine& machine,
                                   const std::vector<BindAttempt>& attempts) {
  std::vector<BindTarget> wanted;
  for (const BindAttempt& attempt : attempts)
    wanted.push_back(attempt.target);
  Remedies remedies{machine.facts, wanted, "polyport run", [](const BindTarget&) { return true; }};
  remedies.free_offset = find_free_offset(remedies);
  std::vector<Explanation> all;
  for (const BindAttempt& attempt : attempts) {
    all.push_back(judge(attempt, machine.facts, {}));
    all.back().suggestions = suggestions(all.back(), remedies);
  }
  return all;
}

BindAttempt refused(std::string service, const BindTarget& target, int error = EADDRINUSE) {
  BindAttempt attempt = Machine::refused(target, error);
  attempt.service = std::move(service);
  return attempt;
}

}  // namespace

TEST_CASE("one port that another process has", "[explain]") {
  Machine machine;
  const BindTarget web = Machine::tcp("127.0.0.1", 8080);
  machine.add_listener(web, Machine::process(4211, "python3"));
  CHECK(explanations_text(explained(machine, {refused("web", web)})) ==
        "  web  127.0.0.1:8080  (my.toml:3:10)\n"
        "    taken: held by python3 (pid 4211), yours\n"
        "\n"
        "  rule   two sockets cannot have one address and one port (on Linux SO_REUSEADDR\n"
        "         does not change that while the other one listens)\n"
        "  do     \"127.0.0.1:8081\"\n"
        "             instead of \"127.0.0.1:8080\" in [services.web]: free now (so is\n"
        "             8082, and 8083)\n"
        "         polyport run --offset 100   all its ports + 100 are free now\n"
        "         on_conflict = \"next\"\n"
        "             in [services.web]: the next free port is taken by itself\n"
        "         \"127.0.0.2:8080\"   the same port, free on another loopback address\n"
        "         kill 4211   stops python3, which is yours\n");
}

TEST_CASE("all ports of a second start are one process's", "[explain]") {
  Machine machine;
  std::vector<BindAttempt> attempts;
  for (std::uint16_t port = 8080; port < 8087; ++port) {
    machine.add_listener(Machine::tcp("127.0.0.1", port), Machine::process(4211, "polyport"));
    attempts.push_back(refused("s" + std::to_string(port), Machine::tcp("127.0.0.1", port)));
  }
  const std::string text = explanations_text(explained(machine, attempts));
  CHECK_THAT(text, StartsWith("  s8080  127.0.0.1:8080  (my.toml:3:10)\n"
                              "    taken: held by polyport (pid 4211), yours\n"
                              "    6 more sockets are held by the same process: 127.0.0.1:8081,"));
  // What mends one port of seven is no help, and the holder is stopped once.
  CHECK(text.find("instead of") == std::string::npos);
  CHECK_THAT(text,
             Contains("  do     polyport run --offset 100   all its ports + 100 are free now\n"
                      "         kill 4211   stops polyport, which is yours\n"));
  CHECK(text.find("kill 4211") == text.rfind("kill 4211"));
}

TEST_CASE("different reasons are told apart", "[explain]") {
  Machine machine;
  const BindTarget web = Machine::tcp("127.0.0.1", 8080);
  machine.add_listener(web, Machine::process(4211, "python3"));
  const std::string text = explanations_text(
      explained(machine, {refused("web", web), refused("low", Machine::tcp("0.0.0.0", 80), EACCES),
                          refused("far", Machine::tcp("192.0.2.1", 9000), EADDRNOTAVAIL)}));
  CHECK_THAT(text, Contains("  low  0.0.0.0:80  (my.toml:3:10)\n"
                            "    not permitted: ports below 1024 need a privilege"));
  CHECK_THAT(text, Contains("no interface of this machine has the address 192.0.2.1"));
  CHECK_THAT(text, Contains("only an address that one of this machine's interfaces has"));
}

TEST_CASE("prose keeps to the width of a terminal", "[explain]") {
  Machine machine;
  Process long_named = Machine::process(4211, "a-very-long-nam");
  long_named.unit = "a-unit-with-a-long-name-of-its-own.service";
  long_named.container = "docker 0123456789ab";
  const BindTarget web = Machine::tcp("127.0.0.1", 8080);
  machine.add_listener(web, long_named);
  const std::string text = explanations_text(explained(machine, {refused("web", web)}));
  for (const std::string_view line : split(text, '\n')) {
    CAPTURE(line);
    CHECK(columns(line) <= kTerminalColumns);
  }
}

TEST_CASE("nothing refused, nothing told", "[explain]") {
  BindAttempt had;
  had.target = Machine::tcp("127.0.0.1", 8080);
  CHECK(explanations_text(explained(Machine(), {had})).empty());
  CHECK(explanations_text({}).empty());
}
