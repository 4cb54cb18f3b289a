// What a polyport publishes of itself: the ready line, read by another one.
#include "core/ports/published_services.h"

#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr std::string_view kReady = R"({"event":"ready","pid":7,"services":[
  {"name":"web","type":"http","state":"live","listeners":[
    {"id":"web.main.0","transport":"tcp","bound":"127.0.0.1:8080"},
    {"id":"web.main.1","transport":"tcp","bound":"[::1]:8080"}]},
  {"name":"echo","listeners":[
    {"transport":"tcp","bound":"[::]:7"},{"transport":"udp","bound":"0.0.0.0:7"},
    {"transport":"unix","bound":"@echo"}]},
  {"name":"off","listeners":[]}]})";

KernelSocket socket(SocketState state, const char* ip, std::uint16_t port,
                    Transport transport = Transport::kTcp) {
  KernelSocket made;
  made.transport = transport;
  made.state = state;
  made.local = *Address::parse_ip(ip, port);
  return made;
}

}  // namespace

TEST_CASE("listeners by their service", "[published]") {
  const auto listeners = parse_published_services(kReady);
  REQUIRE(listeners.size() == 5);
  const auto service = [&](const KernelSocket& of) { return service_of(of, listeners); };
  using enum SocketState;
  CHECK(service(socket(kListening, "127.0.0.1", 8080)) == "web");
  CHECK(service(socket(kListening, "::1", 8080)) == "web");
  CHECK(service(socket(kListening, "127.0.0.2", 8080)) == "");
  CHECK(service(socket(kListening, "127.0.0.1", 8081)) == "");
  CHECK(service(socket(kListening, "::", 7)) == "echo");
  CHECK(service(socket(kBound, "0.0.0.0", 7, Transport::kUdp)) == "echo");
  CHECK(service(socket(kBound, "127.0.0.1", 8080, Transport::kUdp)) == "");
}

TEST_CASE("connections by the listener they came to", "[published]") {
  const auto listeners = parse_published_services(kReady);
  using enum SocketState;
  CHECK(service_of(socket(kEstablished, "127.0.0.1", 8080), listeners) == "web");
  CHECK(service_of(socket(kEstablished, "127.0.0.9", 8080), listeners) == "");
  CHECK(service_of(socket(kEstablished, "::1", 7), listeners) == "echo");
  KernelSocket mapped = socket(kEstablished, "127.0.0.1", 7);
  CHECK(service_of(mapped, listeners) == "");
  mapped.ipv6_socket = true;
  CHECK(service_of(mapped, listeners) == "echo");
}

TEST_CASE("a unix listener by its path", "[published]") {
  KernelSocket local;
  local.transport = Transport::kUnix;
  local.path = "@echo";
  CHECK(service_of(local, parse_published_services(kReady)) == "echo");
  local.path = "@other";
  CHECK(service_of(local, parse_published_services(kReady)) == "");
}

TEST_CASE("a worker names its supervisor", "[published]") {
  CHECK(read_published_line(R"({"pid":12,"supervisor":11,"services":[]})").supervisor == 11);
  CHECK(read_published_line(kReady).supervisor == 0);
  for (const char* const lie : {"-1", "99999999999", "\"11\"", "null"}) {
    CAPTURE(lie);
    const std::string text = std::string(R"({"services":[],"supervisor":)") + lie + "}";
    CHECK(read_published_line(text).supervisor == 0);
  }
}

TEST_CASE("texts that tell nothing, or lie", "[published]") {
  for (const char* const text :
       {"", "null", "[]", "{}", "{\"services\":7}", "{\"services\":[7,null,[]]}",
        R"({"services":[{"name":"x"}]})", R"({"services":[{"name":"x","listeners":{}}]})",
        R"({"services":[{"listeners":[{"transport":"tcp","bound":"127.0.0.1:70000"}]}]})",
        R"({"services":[{"listeners":[{"transport":"tcp","bound":"localhost:80"}]}]})",
        R"({"services":[{"listeners":[{"transport":"sctp","bound":"127.0.0.1:80"}]}]})",
        R"({"services":[{"listeners":[{"transport":"unix","bound":""}]}]})"}) {
    CAPTURE(text);
    CHECK(parse_published_services(text).empty());
  }
  const auto hostile = parse_published_services(
      R"({"services":[{"name":"\u001b[2J","listeners":[{"transport":"tcp","bound":"[::1]:80"}]}]})");
  REQUIRE(hostile.size() == 1);
  CHECK(hostile[0].service == "\\x1b[2J");
}
