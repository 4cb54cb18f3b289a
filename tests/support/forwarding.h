// The forward service in a process of the test's own, with a server behind it, for loop tests.
#pragma once

#include <dirent.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "app/types.h"
#include "core/host/host.h"
#include "core/settings/settings.h"
#include "tests/support/network_fixture.h"

namespace polyport::test {

// A server of the test's own, behind the forward service.
class Server {
 public:
  explicit Server(const char* unix_path = nullptr) {
    BindRequest request;
    if (unix_path != nullptr) {
      request.target.transport = Transport::kUnix;
      request.target.path = unix_path;
    } else {
      request.target.address = Address::loopback(Family::kIPv4);
    }
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    fd_ = *fd;
    sock::local_address(fd_, address);
  }
  ~Server() { close(); }
  void close() {
    if (fd_ >= 0) sock::close(fd_);
    fd_ = -1;
  }
  // The next client, if one is there.
  std::optional<Client> accept() {
    Address peer;
    const int fd = sock::accept(fd_, peer);
    if (fd < 0) return std::nullopt;
    return Client(fd);
  }
  std::string text() const { return address.text(); }
  Address address;

 private:
  int fd_ = -1;
};

inline std::size_t descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  std::size_t count = 0;
  while (::readdir(directory) != nullptr)
    ++count;
  ::closedir(directory);
  return count;
}

inline std::string pattern(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

struct Closings : EventSink {
  void on_closed(const Closed& event) override {
    (event.way == Way::kOutgoing ? upstreams : clients).push_back(event.reason);
  }
  void on_dial_failed(const DialFailed& event) override { failed.push_back(event.text); }
  std::vector<CloseReason> clients, upstreams;
  std::vector<std::string> failed;
};

// Lets the test see the network that the services use.
struct Probe final : Service {
  Result<void> start(ServiceContext& context) override {
    network = &context.network;
    return {};
  }
  static inline Network* network = nullptr;
};
inline const ServiceType kProbe = {
    .name = "echo", .doors = kEveryTransport, .create = make_service<Probe>};

class Forwarding {
 public:
  explicit Forwarding(const std::string& toml, HostOptions options = {})
      : log(Log::silent()), host(loop, *log, events, std::move(options)) {
    events.add(closings);
    errors = host.start(plans(toml + "[services.echo]\nlisten = \"127.0.0.1:0\"\n")).errors;
  }
  ~Forwarding() { host.stop(); }

  // "upstream = …" and what else belongs to it, of one service "fwd" on TCP.
  static std::string one(const std::string& rest) {
    return "[services.fwd]\ntype = \"forward\"\nlisten = \"127.0.0.1:0\"\n" + rest + "\n";
  }
  static std::string to(const Server& server) {
    return one("upstream = \"" + server.text() + "\"");
  }

  ServiceStatus status(std::string_view name = "fwd") {
    for (ServiceStatus& service : host.services()) {
      if (service.name == name) return service;
    }
    FAIL("no such service");
    return {};
  }
  Client connect(std::string_view service = "fwd") {
    const Address address = status(service).listeners.at(0).address;
    const int fd = sock::open_stream(Family::kIPv4);
    const int result = sock::connect(fd, address);
    REQUIRE((result == 0 || result == -EINPROGRESS));
    return Client(fd);
  }
  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    Timer tick(loop, [] {});
    tick.start_every(std::chrono::milliseconds(5));
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }
  void run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
  }
  Client accept(Server& server) {
    std::optional<Client> client;
    REQUIRE(run_until([&] { return (client = server.accept()).has_value(); }));
    return std::move(*client);
  }
  bool hears(Client& client, std::string_view text) {
    return run_until([&] {
      client.pump();
      return client.received == text;
    });
  }
  bool ends(Client& client) {
    return run_until([&] { return !client.pump(); });
  }
  std::size_t most_queued() {
    std::size_t most = 0;
    Probe::network->for_each_connection(
        [&](Connection& connection) { most = std::max(most, connection.queued_bytes()); });
    return most;
  }
  bool all_closed() {
    return run_until([&] { return host.open_connections() == 0; });
  }

  Loop loop;
  Events events;
  Closings closings;
  std::unique_ptr<Log> log;
  Host host;
  Errors errors;

 private:
  static std::vector<ServicePlan> plans(const std::string& toml) {
    const LoadResult loaded = load_settings(toml, "test.toml", make_schema());
    for (const Error& error : loaded.errors)
      UNSCOPED_INFO(error.text());
    REQUIRE(loaded.ok());
    std::vector<ServicePlan> plans;
    for (const ServiceSettings& service : loaded.settings.services) {
      const bool probe = service.type == kProbe.name;
      plans.push_back(
          {service.name, probe ? &kProbe : find_type(service.type), service.values, service.where});
    }
    return plans;
  }
};

}  // namespace polyport::test
