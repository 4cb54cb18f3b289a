// What a configuration's endpoints do to each other, and on a machine whose facts the test makes
// up: found without a socket.
#include "core/ports/static_conflicts.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "core/ports/bind_rules.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr Families kBothFamilies{true, true};

// One service with one endpoint; `where` counts them: "file:1", "file:2", ….
class Plan {
 public:
  Plan& add(std::string service, std::string_view text, OnConflict when = OnConflict::kFail,
            std::vector<std::string> known_as = {"*"}) {
    const auto written = parse_endpoint(text);
    REQUIRE(written);
    PlannedEndpoint planned{.service = std::move(service),
                            .option = "listen",
                            .where = "file:" + std::to_string(endpoints.size() + 1),
                            .written = *written,
                            .targets = {},
                            .path_error = 0,
                            .on_conflict = when,
                            .closed = false,
                            .known_as = std::move(known_as)};
    if (written->transport == Transport::kUnix) {
      planned.targets = {{.transport = Transport::kUnix,
                          .address = Address::any(Family::kUnix),
                          .path = same_socket_path(written->path)}};
    } else {
      planned.targets = resolve(*written, kBothFamilies)->groups.front().targets;
    }
    endpoints.push_back(std::move(planned));
    return *this;
  }
  // A name and the addresses a name server would give for it.
  Plan& add_name(std::string service, std::string_view text,
                 std::initializer_list<std::string_view> addresses) {
    add(std::move(service), text.substr(text.find(':') + 1));
    PlannedEndpoint& planned = endpoints.back();
    planned.written.host = text.substr(0, text.find(':'));
    planned.targets.clear();
    for (const std::string_view address : addresses) {
      planned.targets.push_back(
          {.address = *Address::parse_ip(address, planned.written.first_port)});
    }
    return *this;
  }

  StaticFindings find() const {
    MachineFacts facts;
    facts.may_bind_privileged = true;
    return find_static_conflicts(endpoints, facts);
  }

  std::vector<PlannedEndpoint> endpoints;
};

std::vector<std::string> lines(const Errors& errors) {
  std::vector<std::string> all;
  for (const Error& error : errors)
    all.push_back(error.where + ": " + error.what + " (" + error.hint + ")");
  return all;
}

using Lines = std::vector<std::string>;

const std::string kSame = ": " + std::string(sentence(BindRule::kSameEndpoint));

}  // namespace

TEST_CASE("the same endpoint twice names both places and a port that is left") {
  Plan plan;
  plan.add("web", "localhost:8080").add("echo", "localhost:8081").add("more", "localhost:8080");
  const StaticFindings found = plan.find();
  CHECK(lines(found.errors) == Lines{"file:3: listen: localhost:8080 is taken by web (file:1)" +
                                     kSame + " (take another port: no service here wants 8082)"});
  CHECK(found.warnings.empty());
  CHECK(found.notes.empty());
}

TEST_CASE("what does not share an address, a port or a transport is no conflict") {
  Plan plan;
  plan.add("a", "127.0.0.1:8080")
      .add("b", "127.0.0.2:8080")
      .add("c", "[::1]:8080")
      .add("d", "udp://127.0.0.1:8080")
      .add("e", "127.0.0.1:8081")
      .add("f", "[::1]:8082")
      .add("g", "0.0.0.0:8082")
      .add("h", "[::]:8083")
      .add("i", "0.0.0.0:8083")
      .add("j", "localhost:0")
      .add("k", "localhost:0");
  const StaticFindings found = plan.find();
  CHECK(lines(found.errors) == Lines{});
}

TEST_CASE("each kind of overlap is told by its rule") {
  struct Case {
    std::string first, second;
    BindRule rule;
    std::string words;
  };
  const std::vector<Case> cases = {
      {"127.0.0.1:7000", "0.0.0.0:7000", BindRule::kWildcardOverSpecific,
       "0.0.0.0:7000 is taken by first, which has 127.0.0.1:7000 (file:1)"},
      {"[::1]:7000", "[::]:7000", BindRule::kWildcardOverSpecific,
       "[::]:7000 is taken by first, which has [::1]:7000 (file:1)"},
      {"0.0.0.0:7000", "127.0.0.1:7000", BindRule::kSpecificUnderWildcard,
       "127.0.0.1:7000 is taken by first, which has 0.0.0.0:7000 (file:1)"},
      {"127.0.0.1:7000", "*:7000", BindRule::kDualStackOverIpv4,
       "*:7000 is taken by first, which has 127.0.0.1:7000 (file:1)"},
      {"0.0.0.0:7000", "*:7000", BindRule::kDualStackOverIpv4,
       "*:7000 is taken by first, which has 0.0.0.0:7000 (file:1)"},
      {"*:7000", "127.0.0.1:7000", BindRule::kIpv4UnderDualStack,
       "127.0.0.1:7000 is taken by first, which has *:7000 (file:1)"},
      {"*:7000", "[::1]:7000", BindRule::kSpecificUnderWildcard,
       "[::1]:7000 is taken by first, which has *:7000 (file:1)"},
      {"*:7000", "[::]:7000", BindRule::kSameEndpoint,
       "[::]:7000 is taken by first, which has *:7000 (file:1)"},
      // Both families are in the way: that one is a wildcard says it best.
      {"localhost:7000", "*:7000", BindRule::kWildcardOverSpecific,
       "*:7000 is taken by first, which has localhost:7000 (file:1)"},
      {"*:7000", "localhost:7000", BindRule::kSpecificUnderWildcard,
       "localhost:7000 is taken by first, which has *:7000 (file:1)"},
      {"127.0.0.1:7000", "localhost:7000", BindRule::kSameEndpoint,
       "localhost:7000 (127.0.0.1:7000) is taken by first, which has 127.0.0.1:7000 (file:1)"},
      {"localhost:7000", "[::1]:7000", BindRule::kSameEndpoint,
       "[::1]:7000 is taken by first, which has localhost:7000 (file:1)"},
      {"udp://*:7000", "udp://127.0.0.1:7000", BindRule::kIpv4UnderDualStack,
       "udp://127.0.0.1:7000 is taken by first, which has udp://*:7000 (file:1)"},
  };
  for (const Case& each : cases) {
    INFO(each.first << " then " << each.second);
    Plan plan;
    plan.add("first", each.first).add("second", each.second);
    const Errors errors = plan.find().errors;
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].what == "listen: " + each.words + ": " + std::string(sentence(each.rule)));
    CHECK(errors[0].where == "file:2");
    CHECK(errors[0].code == ErrorCode::kConflict);
  }
}

TEST_CASE("dual-stack over IPv4 may keep its port on IPv6") {
  Plan plan;
  plan.add("a", "127.0.0.1:7000").add("b", "*:7000");
  CHECK(plan.find().errors.at(0).hint == "write [::]:7000 for IPv6 alone, or take another port");
}

TEST_CASE("two names of one address are one address") {
  Plan plan;
  plan.add_name("web", "www.test:8080", {"192.0.2.1"})
      .add_name("api", "api.test:8080", {"192.0.2.2", "192.0.2.1"});
  CHECK(lines(plan.find().errors) ==
        Lines{"file:2: listen: api.test:8080 (192.0.2.1:8080) is taken by web, which has "
              "www.test:8080 (file:1)" +
              kSame + " (take another port: no service here wants 8081)"});
}

TEST_CASE("a service may be in its own way") {
  const auto hint = [](std::string_view first, std::string_view second) {
    Plan plan;
    plan.add("web", first).add("web", second);
    const Errors errors = plan.find().errors;
    REQUIRE(errors.size() == 1);
    return errors[0].hint;
  };
  Plan plan;
  plan.add("web", "localhost:80").add("web", "127.0.0.1:80");
  CHECK(plan.find().errors.at(0).what ==
        "listen: 127.0.0.1:80 is taken by its own localhost:80 (file:1)" + kSame);
  CHECK(hint("localhost:80", "127.0.0.1:80") == "leave out 127.0.0.1:80");
  CHECK(hint("127.0.0.1:80", "localhost:80") == "leave out 127.0.0.1:80");
  CHECK(hint("127.0.0.1:80", "*:80") == "leave out 127.0.0.1:80");
  CHECK(hint("*:80", "127.0.0.1:80") == "leave out 127.0.0.1:80");
  CHECK(hint("*:80", "0.0.0.0:80") == "leave out 0.0.0.0:80");
  CHECK(hint("0.0.0.0:80", "*:80") == "leave out 0.0.0.0:80");
  CHECK(hint("[::]:80", "*:80") == "leave out [::]:80");
  CHECK(hint("localhost:80-90", "localhost:85-95") ==
        "take the ports that are in both out of one of them");
}

TEST_CASE("ranges that meet are one error for each pair") {
  Plan plan;
  plan.add("a", "localhost:9000-9099").add("b", "localhost:9090-9200").add("c", "127.0.0.1:9099");
  CHECK(lines(plan.find().errors) ==
        Lines{"file:2: listen: localhost:9090 and 9 more, up to 9099, are taken by a, which has "
              "localhost:9000-9099 (file:1)" +
                  kSame + " (take other ports)",
              "file:3: listen: 127.0.0.1:9099 is taken by a, which has localhost:9099 (file:1)" +
                  kSame + " (take another port: no service here wants 9201)"});
}

TEST_CASE("steps of ranges that miss each other are no conflict") {
  Plan plan;
  plan.add("a", "localhost:9000-9100/2").add("b", "localhost:9001-9101/2");
  CHECK(plan.find().errors.empty());
}

TEST_CASE("one path written in two ways is one socket") {
  Plan plan;
  plan.add("a", "unix:///no/such/dir/x.sock")
      .add("b", "unix:///no/such//dir/./y/../x.sock")
      .add("c", "unix:x.sock")
      .add("d", "unix:./x.sock")
      .add("e", "unix:@x.sock")
      .add("f", "unix:@./x.sock");  // an abstract name is no path
  CHECK(lines(plan.find().errors) ==
        Lines{"file:2: listen: unix:///no/such//dir/./y/../x.sock is taken by a, which has "
              "unix:///no/such/dir/x.sock (file:1): one path is one socket (give each a path of "
              "its own)",
              "file:4: listen: unix:./x.sock is taken by c, which has unix:x.sock (file:3): one "
              "path is one socket (give each a path of its own)"});
}

TEST_CASE("on_conflict of the later one decides what a double endpoint is") {
  const auto findings = [](OnConflict first, OnConflict second) {
    Plan plan;
    plan.add("a", "localhost:7000", first).add("b", "localhost:7000", second);
    return plan.find();
  };
  const StaticFindings skip = findings(OnConflict::kFail, OnConflict::kSkip);
  CHECK(skip.errors.empty());
  CHECK(lines(skip.warnings) ==
        Lines{"file:2: listen: localhost:7000 is taken by a (file:1)" + kSame +
              " (on_conflict = \"skip\" leaves b out at the start)"});
  CHECK(findings(OnConflict::kSkip, OnConflict::kFail).errors.size() == 1);
  CHECK(findings(OnConflict::kFail, OnConflict::kRetry).warnings.size() == 1);
  // It resolves itself.
  const StaticFindings next = findings(OnConflict::kFail, OnConflict::kNext);
  CHECK(next.errors.empty());
  CHECK(next.warnings.empty());
  CHECK(next.notes.size() == 1);
  // Services of one configuration do not share.
  CHECK(findings(OnConflict::kShare, OnConflict::kShare).errors.size() == 1);
}

TEST_CASE("ports that the kernel lends are warned of, unless they are reserved") {
  MachineFacts facts;
  facts.ephemeral = {32768, 60999};
  facts.reserved = parse_port_set("40000,50000-50009");
  Plan plan;
  plan.add("a", "localhost:32767").add("b", "localhost:32768").add("c", "localhost:40000");
  plan.add("d", "udp://localhost:60990-61010").add("e", "localhost:50005-50012");
  plan.add("f", "unix:x").add("g", "localhost:0");
  const StaticFindings found = find_static_conflicts(plan.endpoints, facts);
  CHECK(found.errors.empty());
  const std::string lent =
      " may be lent to an outgoing connection when the service starts: this machine lends 32768 to "
      "60999 (take a port below 32768, or reserve ";
  CHECK(lines(found.warnings) ==
        Lines{"file:2: listen: port 32768" + lent +
                  "it: sudo sysctl -w net.ipv4.ip_local_reserved_ports=32768,40000,50000-50009)",
              "file:4: listen: ports 60990-60999" + lent +
                  "them: sudo sysctl -w net.ipv4.ip_local_reserved_ports=40000,50000-50009,"
                  "60990-60999)",
              "file:5: listen: ports 50010-50012" + lent +
                  "them: sudo sysctl -w net.ipv4.ip_local_reserved_ports=40000,50000-50012)"});
  // The advice fits the range of the machine.
  facts.ephemeral = {1024, 50000};
  CHECK(find_static_conflicts({&plan.endpoints[0], 1}, facts)
            .warnings.at(0)
            .hint.starts_with("take a port above 50000, or reserve it: "));
  facts.ephemeral = {1024, 65535};
  CHECK(find_static_conflicts({&plan.endpoints[0], 1}, facts)
            .warnings.at(0)
            .hint.starts_with("reserve it: "));
}

TEST_CASE("ports that need a privilege are warned of where this user lacks it") {
  Plan plan;
  plan.add("a", "localhost:1023").add("b", "localhost:1024").add("c", "udp://*:1020-1030");
  plan.add("d", "localhost:0");
  MachineFacts facts;
  CHECK(lines(find_static_conflicts(plan.endpoints, facts).warnings) ==
        Lines{"file:1: listen: this user may not have port 1023: " +
                  std::string(sentence(BindRule::kPrivilegedPort)) +
                  " (1024 here) (take a port from 1024 up, or allow it: sudo setcap "
                  "cap_net_bind_service=+ep on the program)",
              "file:3: listen: this user may not have ports 1020-1023: " +
                  std::string(sentence(BindRule::kPrivilegedPort)) +
                  " (1024 here) (take a port from 1024 up, or allow it: sudo setcap "
                  "cap_net_bind_service=+ep on the program)"});
  facts.may_bind_privileged = true;
  CHECK(find_static_conflicts(plan.endpoints, facts).warnings.empty());
  facts.may_bind_privileged = false;
  facts.unprivileged_start = 0;
  CHECK(find_static_conflicts(plan.endpoints, facts).warnings.empty());
}

TEST_CASE("a port known for something else is worth a note") {
  const auto notes = [](std::string_view endpoint, std::vector<std::string> known_as) {
    Plan plan;
    plan.add("x", endpoint, OnConflict::kFail, std::move(known_as));
    const StaticFindings found = plan.find();
    CHECK(found.errors.empty());
    CHECK(found.warnings.empty());
    return lines(found.notes);
  };
  const std::string rest = " (nothing enforces that; on another port nobody is misled)";
  CHECK(notes("localhost:5432", {"db", "echo"}) ==
        Lines{"file:1: listen: port 5432 is registered for postgresql, and its clients may come "
              "here" +
              rest});
  CHECK(notes("localhost:20-25", {"echo"}) ==
        Lines{"file:1: listen: port 20 is registered for ftp-data, and its clients may come here, "
              "and 4 more of these ports have such a name" +
              rest});
  CHECK(notes("localhost:80", {"web", "http"}).empty());
  CHECK(notes("localhost:8080", {"web", "http"}).empty());         // http-alt
  CHECK(notes("udp://localhost:123", {"clock", "sntp"}).empty());  // ntp
  CHECK(notes("localhost:25", {"mail", "banner", "smtp"}).empty());
  CHECK(notes("localhost:5432", {"*"}).empty());
  CHECK(notes("localhost:123", {"echo"}).empty());  // registered for UDP only
  CHECK(notes("localhost:8000", {"echo"}).empty());
  CHECK(notes("localhost:443", {"web", "http"}).size() == 1);  // speaks no TLS
}

TEST_CASE("an address that nobody can connect to is warned of") {
  Plan plan;
  plan.add("a", "127.255.255.255:7000").add("b", "127.0.0.1:7000");
  MachineFacts facts;
  facts.broadcast = {*Address::parse_ip("127.255.255.255")};
  CHECK(lines(find_static_conflicts(plan.endpoints, facts).warnings) ==
        Lines{"file:1: listen: nobody can connect to 127.255.255.255: it is the broadcast address "
              "of one of this machine's networks (write an address of this machine, or * for every "
              "one)"});
}

TEST_CASE("what stands in the place of a unix socket is found without one") {
  const auto findings = [](int error, OnConflict when = OnConflict::kFail) {
    Plan plan;
    plan.add("a", "unix:///run/x/y.sock", when);
    plan.endpoints[0].path_error = error;
    return plan.find();
  };
  const std::string rule = ": " + std::string(sentence(BindRule::kPathNotSocket));
  CHECK(findings(0).errors.empty());
  CHECK(findings(EADDRINUSE).errors.empty());  // of a dead process perhaps: only --live tells
  CHECK(lines(findings(EISDIR).errors) ==
        Lines{"file:1: listen: unix:///run/x/y.sock is a directory" + rule +
              " (add the name of the socket)"});
  CHECK(lines(findings(ENOTSOCK).errors) ==
        Lines{"file:1: listen: unix:///run/x/y.sock is a file and no socket" + rule +
              " (remove it, or take another path)"});
  CHECK(findings(ENOTSOCK, OnConflict::kSkip).errors.empty());
  CHECK(findings(ENOTSOCK, OnConflict::kSkip).warnings.size() == 1);
  CHECK(lines(findings(ENOENT).warnings) ==
        Lines{"file:1: listen: the directory of unix:///run/x/y.sock is not there (make it before "
              "the start)"});
  CHECK(lines(findings(EACCES).warnings) ==
        Lines{"file:1: listen: this user may not make unix:///run/x/y.sock: " +
              std::string(sentence(BindRule::kPermission)) + " (take another directory)"});
  CHECK(findings(ENOTDIR).warnings.size() == 1);
}

TEST_CASE("the broadcast addresses of a machine are read from its routes") {
  std::istringstream table(R"(Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
        |-- 127.255.255.255
           /32 link BROADCAST
     |-- 192.0.2.2
        /32 host LOCAL
)");
  const LocalAddresses found = parse_local_addresses(table);
  const auto texts = [](const std::vector<Address>& list) {
    std::vector<std::string> all;
    for (const Address& address : list)
      all.push_back(address.ip_text());
    return all;
  };
  CHECK(texts(found.own) == Lines{"127.0.0.1", "192.0.2.2"});
  CHECK(texts(found.broadcast) == Lines{"127.255.255.255", "192.0.2.255"});
}

TEST_CASE("what is found is what trying every pair finds") {
  const std::array<std::string, 11> hosts = {
      "127.0.0.1", "127.0.0.2", "127.0.0.3",          "[::1]",    "0.0.0.0", "[::]", "*",
      "localhost", "[::2]",     "[::ffff:127.0.0.1]", "localhost"};
  std::minstd_rand random(7);
  const auto pick = [&](std::size_t below) { return random() % below; };
  int conflicts = 0;
  for (int round = 0; round < 2000; ++round) {
    Plan plan;
    const std::size_t count = 2 + pick(8);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string transport = pick(4) == 0 ? "udp://" : "tcp://";
      plan.add("s" + std::to_string(i),
               transport + hosts[pick(hosts.size())] + ":" + std::to_string(8000 + pick(3)));
    }
    // A pair of written endpoints conflicts where any two of their sockets do.
    std::vector<bool> expected(count, false);
    for (std::size_t wanted = 0; wanted < count; ++wanted) {
      for (std::size_t holder = 0; holder < wanted; ++holder) {
        for (const BindTarget& target : plan.endpoints[wanted].targets) {
          for (const BindTarget& held : plan.endpoints[holder].targets) {
            if (overlap(target, held)) expected[wanted] = true;
          }
        }
      }
    }
    std::vector<bool> found(count, false);
    for (const Error& error : plan.find().errors)
      found[std::stoul(error.where.substr(5)) - 1] = true;
    CHECK(found == expected);
    conflicts += static_cast<int>(std::count(found.begin(), found.end(), true));
  }
  CHECK(conflicts > 1000);
}

TEST_CASE("the largest configurations are checked at once") {
  SECTION("ranges of a thousand ports, each port wanted four times") {
    Plan plan;
    for (int copy = 0; copy < 4; ++copy) {
      for (int first = 1000; first < 61'000; first += 1000) {
        const std::string ports = std::to_string(first) + "-" + std::to_string(first + 999);
        for (const std::string transport : {"tcp://localhost:", "udp://localhost:"})
          plan.add("s" + std::to_string(plan.endpoints.size()), transport + ports);
      }
    }
    REQUIRE(plan.endpoints.size() == 480);
    // 960,000 sockets; the later three of each range conflict with the first.
    CHECK(plan.find().errors.size() == 360);
  }
  SECTION("thousands of addresses of one port, and wildcards among them") {
    Plan plan;
    for (int i = 0; i < 20'000; ++i) {
      const std::string address =
          "127.0." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
      plan.add("s", address + ":7000");
    }
    CHECK(plan.find().errors.empty());
    for (int i = 0; i < 3'000; ++i)
      plan.add("t", "0.0.0.0:7000");
    CHECK(plan.find().errors.size() == kMaxStaticFindings);
  }
}
