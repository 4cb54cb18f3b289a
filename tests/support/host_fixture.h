// Hosts of an echo service in the process of the test, each on a loop of its own.
#pragma once

#include <dirent.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/host/binder.h"
#include "core/host/host.h"
#include "core/settings/settings.h"
#include "tests/support/network_fixture.h"

namespace polyport::test {

using namespace std::chrono_literals;

struct Probe {  // what a service of the test did
  int started = 0, stopped = 0;
  bool refuse_to_start = false;
};
inline Probe g_probe;

struct Echo final : Service {
  Result<void> start(ServiceContext&) override {
    ++g_probe.started;
    if (g_probe.refuse_to_start) return failure(ErrorCode::kBadValue, "not today");
    return {};
  }
  void stop() override { ++g_probe.stopped; }
  void on_data(Connection& connection, Bytes bytes) override { connection.send(bytes); }
  void on_datagram(Datagram& datagram) override { datagram.reply(datagram.bytes()); }
};

inline const ServiceType kEcho = {
    .name = "echo", .doors = kEveryTransport, .create = make_service<Echo>};

inline Schema schema() {
  Schema schema;
  TypeSchema echo;
  echo.name = "echo";
  echo.default_port = 1;
  echo.options = {common_options()};
  echo.doors = {{.option = "listen", .transports = kEveryTransport[0].transports}};
  schema.health = schema.admin = echo;
  schema.health.name = "health";
  schema.admin.name = "admin";
  schema.types = {echo};
  return schema;
}

inline std::vector<ServicePlan> plans(std::string_view toml) {
  const LoadResult loaded = load_settings(toml, "test.toml", schema());
  for (const Error& error : loaded.errors)
    UNSCOPED_INFO(error.text());
  REQUIRE(loaded.ok());
  std::vector<ServicePlan> plans;
  for (const ServiceSettings& service : loaded.settings.services) {
    plans.push_back({service.name, &kEcho, service.values, service.where});
  }
  return plans;
}

inline std::size_t descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(directory) != nullptr)
    ++count;
  ::closedir(directory);
  return count;
}

// A port that nobody has at the moment.
inline std::string free_port() {
  const auto group = open_group({{{.address = Address::loopback(Family::kIPv4)}}}, {});
  REQUIRE(group);
  return std::to_string(group->front().target.address.port);
}

struct HostFixture {
  explicit HostFixture(HostOptions options = {})
      : log(Log::silent()), host(loop, *log, events, std::move(options)) {
    g_probe = {};
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    Timer tick(loop, [] {});
    tick.start_every(5ms);
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }
  Client connect(const ListenerStatus& listener) {
    const int fd = sock::open_stream(listener.address.family);
    const int result = sock::connect(fd, listener.address);
    REQUIRE((result == 0 || result == -EINPROGRESS));
    return Client(fd);
  }
  Loop loop;
  Events events;
  std::unique_ptr<Log> log;
  Host host;
};

// Makes `holder` listen on `count` ports in a row, the first of which is `first`. Below those that
// the kernel lends to connections, thousands of which may be open on a busy machine.
inline bool hold_row(HostFixture& holder, int count, std::uint16_t& first) {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(20'000, 32'000);
  for (int attempt = 0; attempt < 50; ++attempt) {
    first = ports(random);
    const std::string range = std::to_string(first) + "-" + std::to_string(first + count - 1);
    if (holder.host.start(plans("[services.echo]\nlisten = \"127.0.0.1:" + range + "\"\n"))
            .empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace polyport::test
