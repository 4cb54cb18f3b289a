// What a worker is told of its sockets, as text and back.
#include "core/host/handover.h"

#include "tests/support/catch.h"

using namespace polyport;

namespace {

std::vector<HandedService> sample() {
  HandedPort tcp{.id = "web.main.0", .target = {}, .inherited = true, .fd = 17};
  tcp.target.transport = Transport::kTcp;
  tcp.target.written = Transport::kTls;
  tcp.target.address = *Address::parse_ip("fe80::1", 8443);
  tcp.target.address.scope_id = 3;
  tcp.target.ipv6_mode = IPv6Mode::kDualStack;
  HandedPort file{.id = "web.main.1", .target = {}, .fd = 4};
  file.target.transport = file.target.written = Transport::kUnix;
  file.target.address.family = Family::kUnix;
  file.target.path = "/tmp/a \"path\" \xff";
  HandedPort waiting{.id = "web.main.2", .target = {}};
  waiting.target.address = *Address::parse_ip("127.0.0.1", 80);
  HandedGroup open{.door = "main",
                   .transport = Transport::kTls,
                   .configured = "tls://[fe80::1%eth0]:8443",
                   .where = "my.toml:3:1",
                   .number = 2,
                   .origin = ListenerOrigin::kInherited,
                   .ports = {tcp, file}};
  HandedGroup later{.door = "main", .number = 3, .retrying = true, .ports = {waiting}};
  HandedService web{.name = "web",
                    .here = true,
                    .tls_tickets = std::string("\0\x01\xfe", 3),
                    .groups = {open, later}};
  HandedService left{.name = "left", .skipped = true, .reason = "taken"};
  return {web, left};
}

std::string written(const std::vector<HandedService>& services, std::vector<int>& descriptors) {
  std::string text;
  JsonWriter json(text);
  write_handover(json, services, descriptors);
  return text;
}

}  // namespace

TEST_CASE("a handover arrives as it was sent, with other descriptors") {
  std::vector<int> sent;
  const std::string text = written(sample(), sent);
  CHECK(sent == std::vector<int>{17, 4});
  const auto json = JsonValue::parse(text);
  REQUIRE(json.has_value());
  const auto read = read_handover(*json, {101, 102});
  REQUIRE(read.has_value());
  REQUIRE(read->size() == 2);
  const HandedService& web = read->at(0);
  CHECK(web.here);
  CHECK(web.tls_tickets == sample().at(0).tls_tickets);
  CHECK(web.groups.at(0).ports.at(0).fd == 101);
  CHECK(web.groups.at(0).ports.at(0).inherited);
  CHECK(web.groups.at(0).ports.at(1).fd == 102);
  CHECK(web.groups.at(1).ports.at(0).fd == -1);
  CHECK(web.groups.at(1).retrying);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(web.groups.at(0).ports.at(i).target == sample().at(0).groups.at(0).ports.at(i).target);
  }
  CHECK(web.groups.at(0).origin == ListenerOrigin::kInherited);
  CHECK(read->at(1).skipped);
  CHECK(read->at(1).reason == "taken");
}

TEST_CASE("a handover that cannot be right is refused") {
  std::vector<int> sent;
  const std::string text = written(sample(), sent);
  const auto refused = [](const std::string& changed, const std::vector<int>& descriptors) {
    const auto json = JsonValue::parse(changed);
    return json && !read_handover(*json, descriptors).has_value();
  };
  CHECK(refused(text, {101}));  // names one that did not come
  const auto with = [&text](const std::string& from, const std::string& to) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  CHECK(refused(with("\"port\":8443", "\"port\":65536"), {101, 102}));
  CHECK(refused(with("\"family\":2", "\"family\":9"), {101, 102}));
  CHECK(refused(with("\"tls_tickets\":\"00", "\"tls_tickets\":\"0x"), {101, 102}));
  CHECK(refused("{}", {}));
}

TEST_CASE("errors of a worker keep their place and their hint") {
  const Errors errors = {{ErrorCode::kNotPermitted, "cannot read it", "my.toml:3:1", "chmod"}};
  const Errors read = read_handed_errors(handed_errors(errors));
  REQUIRE(read.size() == 1);
  CHECK(read.at(0).code == ErrorCode::kNotPermitted);
  CHECK(read.at(0).text() == errors.at(0).text());
  CHECK(read_handed_errors("nonsense").empty());
}
