// From a loaded configuration to the endpoints that are judged.
#include "app/planned_endpoints.h"

#include <stdlib.h>

#include <filesystem>

#include "app/configuration.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

PlannedEndpoints planned(std::vector<std::string> what, Families families = {true, true},
                         std::vector<std::string> set = {}) {
  const Configuration configuration =
      load_configuration({.what = std::move(what), .set = std::move(set), .only = {}, .offset = 0});
  REQUIRE(configuration.ok());
  return plan_endpoints(configuration.plans, families);
}

}  // namespace

TEST_CASE("every endpoint of every enabled service is planned, with its place and its sockets") {
  const PlannedEndpoints plan =
      planned({"echo:localhost:7000-7002", "http@web:127.0.0.1:8080", "echo:udp://*:7000"});
  REQUIRE(plan.endpoints.size() == 3);
  const PlannedEndpoint& echo = plan.endpoints[0];
  CHECK(echo.service == "echo");
  CHECK(echo.option == "listen");
  CHECK(echo.where == "echo:localhost:7000-7002");
  REQUIRE(echo.targets.size() == 2);
  CHECK(echo.targets[0].text() == "127.0.0.1:7000");
  CHECK(echo.targets[1].text() == "[::1]:7000");
  CHECK(plan.endpoints[1].where == "echo:udp://*:7000");
  CHECK(plan.endpoints[1].targets.at(0).transport == Transport::kUdp);
  CHECK(plan.endpoints[1].targets.at(0).ipv6_mode == IPv6Mode::kDualStack);
  CHECK(plan.endpoints[2].service == "web");
  CHECK(plan.endpoints[2].known_as == std::vector<std::string>{"web", "http"});
  CHECK(plan.errors.empty());
  CHECK(plan.notes.empty());
}

TEST_CASE("a service that is switched off wants no port") {
  const PlannedEndpoints plan =
      planned({"echo:7000", "discard:7000"}, {true, true}, {"services.echo.enabled=false"});
  REQUIRE(plan.endpoints.size() == 1);
  CHECK(plan.endpoints[0].service == "discard");
}

TEST_CASE("the protocol that an option chooses is a name of the service") {
  const auto names = planned({"banner:2525"}).endpoints.at(0).known_as;
  CHECK(std::find(names.begin(), names.end(), "smtp") != names.end());
}

TEST_CASE("a family that is not there is noted once") {
  const PlannedEndpoints plan = planned({"echo:localhost:1", "discard:localhost:2"}, {true, false});
  REQUIRE(plan.notes.size() == 1);
  CHECK(plan.notes[0].what == "IPv6 is off on this machine: [::1] left out");
  CHECK(plan.notes[0].where == "echo:localhost:1");
  CHECK(plan.endpoints.at(1).targets.size() == 1);
}

TEST_CASE("what cannot be looked up is an error at its place") {
  const PlannedEndpoints plan = planned({"echo:[fe80::1%nosuch0]:7000", "discard:localhost:7"});
  CHECK(plan.endpoints.size() == 1);
  REQUIRE(plan.errors.size() == 1);
  CHECK(plan.errors[0].what == "listen: this machine has no interface \"nosuch0\"");
  CHECK(plan.errors[0].where == "echo:[fe80::1%nosuch0]:7000");
}

TEST_CASE("a socket's path is the same however its directory is reached") {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / "polyport-test-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  fs::create_directory(folder / "real");
  fs::create_directory_symlink(folder / "real", folder / "link");
  fs::create_symlink(folder / "real" / "a", folder / "real" / "b");
  const std::string real = same_socket_path((folder / "real/a").string());
  CHECK(same_socket_path((folder / "link/a").string()) == real);
  CHECK(same_socket_path(folder.string() + "//link/../real/./a") == real);
  // A link in the socket's own place is in its way, and leads nowhere.
  CHECK(same_socket_path((folder / "real/b").string()) != real);
  CHECK(same_socket_path("x") == same_socket_path("./x"));
  CHECK(same_socket_path("@x//y") == "@x//y");
  CHECK(same_socket_path("/no/such//../x") == "/no/x");
  fs::remove_all(folder);
}
