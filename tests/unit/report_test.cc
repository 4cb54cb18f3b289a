// The figures of several processes, sent as text and added up.
#include "core/host/report.h"

#include <algorithm>

#include "core/net/dialer.h"
#include "core/net/udp_socket.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

HostReport sample() {
  ServiceStatus web;
  web.name = "web";
  ListenerStatus listener;
  listener.id = "web.main.0";
  listener.accepted = 7;
  listener.active = 3;
  listener.datagrams_out = 6;
  listener.bytes_in = 1000;
  listener.bytes_out = 2000;
  listener.refused = {{name(CloseReason::kLimitConnections), 2}};
  listener.wrong_protocol = {{name(Protocol::kTls), 1}};
  web.listeners.push_back(listener);
  UpstreamStatus upstream;
  upstream.id = "web.upstream.0";
  upstream.configured = "tcp://db.example:5432";
  upstream.addresses = {"192.0.2.1:5432"};
  upstream.state = UpstreamStatus::State::kUp;
  upstream.opened = 5;
  upstream.active = 2;
  upstream.datagrams_in = 11;
  upstream.datagrams_out = 12;
  upstream.bytes_in = 300;
  upstream.bytes_out = 400;
  upstream.failed = {{name(DialError::kRefused), 1}};
  upstream.closed = {{name(CloseReason::kPeerClosed), 3}};
  web.upstreams.push_back(upstream);
  HostReport report;
  report.services.push_back(web);
  report.services.at(0).closed = {{name(CloseReason::kFinished), 4}};
  report.services.at(0).limits = {.connections = 3, .queued_bytes = 100, .memory_bytes = 70};
  report.process.limits = {.connections = 3, .queued_bytes = 100, .memory_bytes = 8192};
  report.services.at(0).requests = 9;
  report.load.busy_ns = 1'000;
  report.load.turns = 50;
  report.load.descriptor_bursts = 2;
  report.load.open_connections = 3;
  report.load.looked_at = {{"w0-17-3", 2}};
  report.load.looked_at_all = false;
  report.load.answers.record(5'000, 3);
  report.log_dropped = 1;
  report.accepted = 7;
  report.resident_bytes = 4096;
  return report;
}

// Services as the supervisor has them: without any figure.
HostReport empty_sum() {
  HostReport sum;
  ServiceStatus echo, web;
  echo.name = "echo";
  web.name = "web";
  ListenerStatus listener;
  listener.id = "web.main.0";
  listener.configured = "tcp://localhost:80";
  web.listeners.push_back(listener);
  sum.services = {echo, web};
  return sum;
}

}  // namespace

TEST_CASE("a report that was sent says the same") {
  const auto read = read_report(report_text(sample()));
  REQUIRE(read.has_value());
  CHECK(report_text(*read) == report_text(sample()));
  CHECK(read->services.at(0).upstreams.at(0).addresses.at(0) == "192.0.2.1:5432");
}

TEST_CASE("every word that something is counted by survives") {
  std::vector<std::string_view> words = {UdpSocket::kSendFailed, UdpSocket::kKernelDropped};
  for (std::size_t i = 0; i < kCloseReasons; ++i)
    words.push_back(name(static_cast<CloseReason>(i)));
  for (std::size_t i = 0; i < UdpGuard::kVerdicts; ++i)
    words.push_back(name(static_cast<UdpGuard::Verdict>(i)));
  for (std::size_t i = 0; i < kProtocols; ++i)
    words.push_back(name(static_cast<Protocol>(i)));
  for (std::size_t i = 0; i < kDialErrors; ++i)
    words.push_back(name(static_cast<DialError>(i)));
  HostReport report;
  ServiceStatus& service = report.services.emplace_back();
  for (const std::string_view word : words) {  // a row each: some words are in two of the lists
    service.listeners.emplace_back().refused = {{word, 1}};
  }
  const auto read = read_report(report_text(report));
  REQUIRE(read.has_value());
  const auto& rows = read->services.at(0).listeners;
  REQUIRE(rows.size() == words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    INFO(words[i]);
    REQUIRE(rows[i].refused.size() == 1);
    CHECK(rows[i].refused.front() == std::pair(words[i], std::uint64_t{1}));
  }
}

TEST_CASE("what is no report is none") {
  CHECK_FALSE(read_report("").has_value());
  CHECK_FALSE(read_report("[]").has_value());
  CHECK_FALSE(read_report("{\"turns\":1}").has_value());
  // Numbers that are none, words that nobody knows.
  const auto odd = read_report(
      R"({"services":[{"name":"web","listeners":[{"id":"web.main.0","accepted":-5,"active":"x",
          "refused":{"nobody_knows_it":3}}],"closed":{"?":1}}]})");
  REQUIRE(odd.has_value());
  CHECK(odd->services.at(0).listeners.at(0).accepted == 0);
  CHECK(odd->services.at(0).listeners.at(0).refused.empty());
  CHECK(odd->services.at(0).closed.empty());
}

TEST_CASE("reports that were sent add up by service, listener and reason") {
  const auto sent = read_report(report_text(sample()));
  REQUIRE(sent.has_value());
  HostReport sum = empty_sum();
  add_report(sum, *sent);
  add_report(sum, *sent);
  const ServiceStatus& web = sum.services.at(1);
  CHECK(web.listeners.at(0).configured == "tcp://localhost:80");
  CHECK(web.listeners.at(0).accepted == 14);
  CHECK(web.listeners.at(0).active == 6);
  CHECK(web.listeners.at(0).datagrams_out == 12);
  CHECK(web.listeners.at(0).bytes_in == 2000);
  CHECK(web.listeners.at(0).bytes_out == 4000);
  CHECK(web.listeners.at(0).wrong_protocol.at(0).second == 2);
  REQUIRE(web.listeners.at(0).refused.size() == 1);
  CHECK(web.listeners.at(0).refused.at(0).second == 4);
  REQUIRE(web.upstreams.size() == 1);
  CHECK(web.upstreams.at(0).opened == 10);
  CHECK(web.upstreams.at(0).active == 4);
  CHECK(web.upstreams.at(0).datagrams_in == 22);
  CHECK(web.upstreams.at(0).datagrams_out == 24);
  CHECK(web.upstreams.at(0).bytes_in == 600);
  CHECK(web.upstreams.at(0).bytes_out == 800);
  CHECK(web.upstreams.at(0).failed.at(0).second == 2);
  CHECK(web.upstreams.at(0).closed.at(0).second == 6);
  CHECK(web.upstreams.at(0).state == UpstreamStatus::State::kUp);
  REQUIRE(web.closed.size() == 1);
  CHECK(web.closed.at(0).second == 8);
  CHECK(web.limits.connections == 6);
  CHECK(web.limits.queued_bytes == 200);
  CHECK(web.limits.memory_bytes == 140);
  CHECK(sum.process.limits.connections == 6);
  CHECK(sum.process.limits.memory_bytes == 16384);
  CHECK(web.requests == 18);
  CHECK(sum.load.busy_ns == 2'000);
  CHECK(sum.load.looked_at.size() == 2);
  CHECK_FALSE(sum.load.looked_at_all);
  CHECK(sum.load.answers.count() == 6);
  CHECK(sum.load.turns == 100);
  CHECK(sum.load.descriptor_bursts == 4);
  CHECK(sum.load.open_connections == 6);
  CHECK(sum.accepted == 14);
}

TEST_CASE("what one worker cannot reach is told, whoever reports last") {
  HostReport failed = sample();
  failed.services.at(0).upstreams.at(0).state = UpstreamStatus::State::kFailed;
  failed.services.at(0).upstreams.at(0).error = "refused";
  for (const bool first : {true, false}) {
    HostReport sum = empty_sum();
    add_report(sum, first ? failed : sample());
    add_report(sum, first ? sample() : failed);
    CHECK(sum.services.at(1).upstreams.at(0).state == UpstreamStatus::State::kFailed);
    CHECK(sum.services.at(1).upstreams.at(0).error == "refused");
  }
}

TEST_CASE("of a worker that is gone the counters stay, and nothing is open") {
  HostReport gone = sample();
  forget_open(gone);
  CHECK(gone.accepted == 7);
  CHECK(gone.load.open_connections == 0);
  CHECK(gone.load.turns == 50);
  CHECK(gone.load.busy_ns == 1'000);
  CHECK(gone.load.looked_at.empty());
  CHECK(gone.load.looked_at_all);
  CHECK(gone.services.at(0).limits.connections == 0);
  CHECK(gone.services.at(0).closed.at(0).second == 4);
  CHECK(gone.services.at(0).listeners.at(0).accepted == 7);
  CHECK(gone.services.at(0).listeners.at(0).active == 0);
  CHECK(gone.services.at(0).upstreams.at(0).opened == 5);
  CHECK(gone.services.at(0).upstreams.at(0).active == 0);
}
