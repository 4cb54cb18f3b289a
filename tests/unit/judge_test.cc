// One refused bind and the facts of a machine, and what is said about them.
#include "core/ports/judge.h"

#include <cerrno>
#include <sstream>

#include "core/base/json_value.h"
#include "tests/support/catch.h"
#include "tests/support/port_facts_fixture.h"

using namespace polyport;
using Catch::Matchers::Contains;
using Machine = FactsFixture;

namespace {

const BindTarget kWeb = Machine::tcp("127.0.0.1", 8080);

Explanation judged(const Machine& machine, const BindAttempt& attempt,
                   std::vector<OwnSocket> own = {}) {
  return judge(attempt, machine.facts, own);
}

}  // namespace

TEST_CASE("a listener of another process", "[explain]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const Explanation found = judged(machine, Machine::refused(kWeb, EADDRINUSE));
  CHECK(found.verdict == Verdict::kTaken);
  CHECK(found.rule == BindRule::kSameEndpoint);
  REQUIRE(found.holders.size() == 1);
  CHECK(found.holders[0].kind == Holder::Kind::kListener);
  CHECK(found.holders[0].yours);
  CHECK(found.text == "127.0.0.1:8080 is taken: held by python3 (pid 4211), yours");
}

TEST_CASE("the service of another polyport is named", "[explain]") {
  Machine machine;
  machine.add(SocketState::kListening, kWeb,
              {.process = Machine::process(4211, "polyport"), .service = "door"});
  CHECK_THAT(judged(machine, Machine::refused(kWeb, EADDRINUSE)).text,
             Contains("polyport (pid 4211), yours, its service \"door\""));
}

TEST_CASE("two services of one configuration name each other", "[explain]") {
  Machine machine;
  machine.add_listener(Machine::tcp("0.0.0.0", 8080), Machine::process(100, "polyport"));
  const std::vector<OwnSocket> own = {{Machine::tcp("0.0.0.0", 8080), "first", "my.toml:9:10"}};
  const Explanation found = judged(machine, Machine::refused(kWeb, EADDRINUSE), own);
  CHECK(found.holders.at(0).ours);
  CHECK(found.rule == BindRule::kSpecificUnderWildcard);
  CHECK_THAT(found.text, Contains("service \"first\" of the same configuration (my.toml:9:10)"));
}

TEST_CASE("a path that a service of the same configuration has under another spelling",
          "[explain]") {
  const std::vector<OwnSocket> own = {{Machine::path("/run/x"), "first", "my.toml:9:10"}};
  const Explanation found = judged(
      Machine(), Machine::refused(Machine::path("/run//x"), EADDRINUSE, BindStep::kPath), own);
  CHECK(found.rule == BindRule::kPathInUse);
  CHECK(found.holders.at(0).ours);
  CHECK_THAT(found.text, Contains("service \"first\" of the same configuration (my.toml:9:10)"));
}

TEST_CASE("a process of this very user that may not be looked at", "[explain]") {
  Machine machine;
  machine.add(SocketState::kListening, kWeb, {.hidden = Hidden::kOtherUser});
  CHECK_THAT(judged(machine, Machine::refused(kWeb, EADDRINUSE)).text,
             Contains("a process of yours that does not let this one look at it"));
}

TEST_CASE("what hides a process is said", "[explain]") {
  struct Case {
    Hidden hidden;
    std::string_view words;
  };
  for (const Case& each : {Case{Hidden::kOtherUser, "only that user or root can see"},
                           Case{Hidden::kPidNamespace, "outside this PID namespace"},
                           Case{Hidden::kKernel, "the kernel itself"},
                           Case{Hidden::kNotListed, "no process that can be found"}}) {
    Machine machine;
    machine.add(SocketState::kListening, kWeb, {.hidden = each.hidden}).uid = 112;
    const Explanation found = judged(machine, Machine::refused(kWeb, EADDRINUSE));
    CHECK_THAT(found.text, Contains(std::string(each.words)));
    CHECK_FALSE(found.holders.at(0).yours);
  }
}

TEST_CASE("a server in the way is told before its connections", "[explain]") {
  Machine machine;
  KernelSocket& child =
      machine.add(SocketState::kEstablished, kWeb, {.process = Machine::process(4211, "python3")});
  child.peer = *Address::parse_ip("127.0.0.1", 50000);
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  const Explanation found = judged(machine, Machine::refused(kWeb, EADDRINUSE));
  CHECK(found.holders_in_all == 1);
  CHECK(found.holders.at(0).kind == Holder::Kind::kListener);
}

TEST_CASE("a connection whose listener is gone, one lent out, and one that lingers", "[explain]") {
  const auto judged_with = [](SocketState state, std::uint16_t port, std::uint16_t far_port) {
    Machine machine;
    KernelSocket& socket = machine.add(state, Machine::tcp("127.0.0.1", port),
                                       {.process = Machine::process(4211, "python3")});
    socket.peer = *Address::parse_ip("127.0.0.1", far_port);
    if (state == SocketState::kTimeWait) socket.inode = 0;
    return judged(machine, Machine::refused(Machine::tcp("127.0.0.1", port), EADDRINUSE));
  };
  const Explanation child = judged_with(SocketState::kCloseWait, 8080, 50000);
  CHECK(child.rule == BindRule::kLiveChild);
  CHECK_THAT(child.text, Contains("nobody listens on it, but a connection with 127.0.0.1:50000"));
  const Explanation lent = judged_with(SocketState::kEstablished, 40001, 443);
  CHECK(lent.rule == BindRule::kEphemeralLocalPort);
  CHECK_THAT(lent.text, Contains("lent to an outgoing connection to 127.0.0.1:443, of python3"));
  const Explanation lingering = judged_with(SocketState::kTimeWait, 8080, 50000);
  CHECK(lingering.rule == BindRule::kTimeWait);
  CHECK_THAT(lingering.text, Contains("in TIME_WAIT"));
  CHECK(lingering.holders.at(0).hidden == Hidden::kNotListed);
}

TEST_CASE("nothing to be seen is said, and what could hide there", "[explain]") {
  Machine machine;
  CHECK_THAT(judged(machine, Machine::refused(kWeb, EADDRINUSE)).text,
             Contains("shows no socket there"));
  machine.facts.kernel.shows_bound_tcp = false;
  CHECK_THAT(judged(machine, Machine::refused(kWeb, EADDRINUSE)).text,
             Contains("bound and does not listen"));
}

TEST_CASE("sharing refused", "[explain]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  BindAttempt sharing = Machine::refused(kWeb, EADDRINUSE);
  sharing.reuse_port = true;
  CHECK(judged(machine, sharing).rule == BindRule::kReuseportMissing);
  Machine strange;
  strange.add_listener(kWeb, Machine::process(812, "postgres", 112));
  CHECK(judged(strange, sharing).rule == BindRule::kReuseportOtherUser);
}

TEST_CASE("other refusals", "[explain]") {
  Machine machine;
  const auto verdict = [&](const BindTarget& target, int error, BindStep step = BindStep::kBind) {
    const Explanation found = judged(machine, Machine::refused(target, error, step));
    return std::pair(found.verdict, found.rule);
  };
  using Expected = std::pair<Verdict, BindRule>;
  CHECK(verdict(Machine::tcp("127.0.0.1", 80), EACCES) ==
        Expected{Verdict::kForbidden, BindRule::kPrivilegedPort});
  CHECK(verdict(kWeb, EACCES) == Expected{Verdict::kForbidden, BindRule::kPermission});
  // A policy (seccomp, say) is no want of privilege.
  CHECK(verdict(Machine::tcp("127.0.0.1", 80), EPERM) ==
        Expected{Verdict::kForbidden, BindRule::kPermission});
  CHECK(verdict(Machine::tcp("192.0.2.1", 8080), EADDRNOTAVAIL) ==
        Expected{Verdict::kUnavailable, BindRule::kAddressNotLocal});
  CHECK(verdict(kWeb, EMFILE, BindStep::kSocket) ==
        Expected{Verdict::kUnavailable, BindRule::kDescriptorLimit});
  machine.facts.families.ipv6 = false;
  CHECK(verdict(Machine::tcp("::1", 8080), EADDRNOTAVAIL) ==
        Expected{Verdict::kUnavailable, BindRule::kFamilyUnavailable});
  for (const BindStep step : {BindStep::kPath, BindStep::kBind}) {
    CHECK(verdict(Machine::path("/run"), EISDIR, step) ==
          Expected{Verdict::kTaken, BindRule::kPathNotSocket});
  }
  CHECK(verdict(Machine::path("/run/x"), EACCES) ==
        Expected{Verdict::kForbidden, BindRule::kPermission});
  CHECK(verdict(Machine::path("/run/x"), EADDRINUSE) ==
        Expected{Verdict::kTaken, BindRule::kPathStale});
  machine.add_listener(Machine::path("/run/x"), Machine::process(9, "other"));
  CHECK(verdict(Machine::path("/run/x"), EADDRINUSE) ==
        Expected{Verdict::kTaken, BindRule::kPathInUse});
}

TEST_CASE("a port that may not be had, and who has it", "[explain]") {
  Machine machine;
  const BindTarget http = Machine::tcp("0.0.0.0", 80);
  machine.add_listener(http, Machine::process(812, "nginx", 33));
  const Explanation found = judged(machine, Machine::refused(http, EACCES));
  CHECK(found.rule == BindRule::kPrivilegedPort);
  REQUIRE(found.holders.size() == 1);
  CHECK(found.holders[0].process->pid == 812);
  CHECK_THAT(found.text, Contains("it is held by nginx (pid 812)"));
}

TEST_CASE("a link-local address without its interface", "[explain]") {
  const Explanation found =
      judged(Machine(), Machine::refused(Machine::tcp("fe80::1", 8080), EINVAL));
  CHECK(found.verdict == Verdict::kInvalid);
  CHECK_THAT(found.text, Contains("needs its interface"));
}

TEST_CASE("a privilege that is there is not what lacks", "[explain]") {
  Machine machine;
  machine.facts.may_bind_privileged = true;
  CHECK(judged(machine, Machine::refused(Machine::tcp("0.0.0.0", 80), EACCES)).rule ==
        BindRule::kPermission);
}

TEST_CASE("an address that this machine has, and that cannot be had", "[explain]") {
  const auto text = [](const Machine& machine, const char* ip) {
    return judged(machine, Machine::refused(Machine::tcp(ip, 8080), EADDRNOTAVAIL)).text;
  };
  Machine machine;
  CHECK_THAT(text(machine, "10.1.2.3"), Contains("10.1.2.3 is this machine's, but was not ready"));
  machine.facts.addresses.push_back(*Address::parse_ip("fd00::7"));
  machine.facts.unusable.tentative.push_back(*Address::parse_ip("fd00::7"));
  CHECK_THAT(text(machine, "fd00::7"),
             Contains("fd00::7 is this machine's, but IPv6 still tests whether another machine"));
  machine.facts.unusable = {{}, {*Address::parse_ip("fd00::7")}};
  CHECK_THAT(text(machine, "fd00::7"),
             Contains("another machine on the network has the address fd00::7 too"));
}

TEST_CASE("/proc/net/if_inet6: addresses that may not be used", "[explain]") {
  std::istringstream table(
      "00000000000000000000000000000001 01 80 10 80       lo\n"
      "fd000000000000000000000000000007 0a 40 00 c0     eth0\n"
      "fe80000000000000d8d525fffe072742 0a 40 20 c0     eth0\n"
      "fd000000000000000000000000000008 03 40 00 c8     eth1\n"  // its test has failed
      "fd000000000000000000000000000009 03 40 00 80     eth1\n"
      "nonsense\n"
      "fd00000000000000000000000000000x 03 40 00 c0     eth1\n"
      "fd000000000000000000000000000009 03\n");
  const UnusableAddresses found = parse_unusable_addresses(table);
  Address link_local = *Address::parse_ip("fe80::d8d5:25ff:fe07:2742");
  link_local.scope_id = 10;
  CHECK(found.tentative == std::vector{*Address::parse_ip("fd00::7"), link_local});
  CHECK(found.duplicate == std::vector{*Address::parse_ip("fd00::8")});
}

TEST_CASE("a socket keeps its own user when its process has become another's", "[explain]") {
  Machine machine;
  machine.add(SocketState::kListening, kWeb, {.process = Machine::process(4211, "nginx", 33)}).uid =
      1000;
  BindAttempt sharing = Machine::refused(kWeb, EADDRINUSE);
  sharing.reuse_port = true;
  const Explanation found = judged(machine, sharing);
  CHECK(found.holders.at(0).uid == 1000);
  CHECK_FALSE(found.holders.at(0).yours);
  CHECK(found.rule == BindRule::kReuseportMissing);
}

TEST_CASE("free is said of what was looked at", "[explain]") {
  Machine machine;
  BindAttempt had;
  had.target = kWeb;
  CHECK(judged(machine, had).text == "127.0.0.1:8080 is free");
  machine.facts.view = View::kContainer;
  CHECK(judged(machine, had).text == "127.0.0.1:8080 is free (seen from this container)");
}

TEST_CASE("holders are bounded and counted", "[explain]") {
  Machine machine;
  for (std::uint8_t last = 1; last <= 40; ++last) {
    const std::string ip = "127.0.0." + std::to_string(last);
    machine.add_listener(Machine::tcp(ip, 8080), Machine::process(4000 + last, "many"));
  }
  const Explanation found =
      judged(machine, Machine::refused(Machine::tcp("0.0.0.0", 8080), EADDRINUSE));
  CHECK(found.holders.size() == kMaxHolders);
  CHECK(found.holders_in_all == 40);
  CHECK_THAT(found.text, Contains("39 other sockets are in the way too"));
}

TEST_CASE("an explanation as JSON has every pinned field", "[explain]") {
  Machine machine;
  machine.add_listener(kWeb, Machine::process(4211, "python3"));
  Explanation found = judged(machine, Machine::refused(kWeb, EADDRINUSE));
  found.suggestions.push_back({"stop_holder", "stops it", "kill 4211", "", ""});
  const auto root = JsonValue::parse(explanations_json(std::vector{found}));
  REQUIRE(root);
  const JsonValue& object = root->find("explanations")->items().at(0);
  CHECK(object.find("schema")->integer() == 1);
  CHECK(object.text_of("endpoint") == "tcp://127.0.0.1:8080");
  CHECK(object.text_of("transport") == "tcp");
  CHECK(object.text_of("family") == "ipv4");
  CHECK(object.text_of("address") == "127.0.0.1");
  CHECK(object.find("port")->integer() == 8080);
  CHECK(object.text_of("verdict") == "taken");
  CHECK(object.text_of("error") == "EADDRINUSE");
  CHECK(object.text_of("step") == "bind");
  CHECK(object.text_of("rule") == "same_endpoint");
  CHECK(object.text_of("service") == "web");
  CHECK(object.text_of("where") == "my.toml:3:10");
  CHECK(object.text_of("range") == "user");
  CHECK(object.find("ephemeral_range")->items().at(0).integer() == 32768);
  CHECK(object.text_of("iana_name") == "http-alt");
  CHECK(object.find("options")->find("reuseaddr")->is_true());
  const JsonValue& holder = object.find("holders")->items().at(0);
  CHECK(holder.text_of("kind") == "listener");
  CHECK(holder.find("pid")->integer() == 4211);
  CHECK(holder.text_of("process") == "python3");
  CHECK(holder.find("uid")->integer() == 1000);
  CHECK(holder.find("hidden_because")->kind() == JsonValue::Kind::kNull);
  CHECK(object.find("suggestions")->items().at(0).text_of("command") == "kill 4211");
}
