// A network on a loop of its own, with a listener on loopback and blocking-free clients, for loop
// tests. Nothing sleeps: the loop is turned until what a test waits for has come, or a bound is
// reached.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>

#include "core/net/bind.h"
#include "core/net/network.h"
#include "core/socket/socket.h"
#include "tests/support/catch.h"

namespace polyport::test {

// A client socket that is non-blocking once it is connected.
class Client {
 public:
  explicit Client(int fd) : fd_(fd) {}
  Client(Client&& other) noexcept
      : received(std::move(other.received)),
        ended(other.ended),
        was_reset(other.was_reset),
        fd_(std::exchange(other.fd_, -1)) {}
  Client& operator=(Client&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(received, other.received);
    std::swap(ended, other.ended);
    std::swap(was_reset, other.was_reset);
    return *this;
  }
  ~Client() { close(); }

  int fd() const { return fd_; }
  void close() {
    if (fd_ >= 0) sock::close(fd_);
    fd_ = -1;
  }
  void reset() {
    sock::arm_reset(fd_);
    close();
  }
  // Sends what fits; returns how much that was.
  std::size_t send(Bytes bytes) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const auto sent = sock::send(fd_, &piece, 1);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void shut_down() { sock::shutdown_write(fd_); }
  // Reads what is there into `received`. False once the server has closed or reset.
  bool pump() {
    char buffer[65536];
    for (;;) {
      const auto count = sock::receive(fd_, buffer, sizeof buffer);
      if (count > 0) {
        received.append(buffer, static_cast<std::size_t>(count));
        continue;
      }
      if (count == -EAGAIN) return true;
      ended = true;
      was_reset = count < 0;
      return false;
    }
  }

  std::string received;
  bool ended = false;
  bool was_reset = false;

 private:
  int fd_;
};

class NetworkFixture {
 public:
  NetworkFixture() : NetworkFixture(Network::Options()) {}
  explicit NetworkFixture(Network::Options options)
      : log(Log::silent()),
        owned_(std::make_unique<Network>(loop, *log, events, options)),
        network(*owned_) {}

  // A listener for `handler` on 127.0.0.1, already accepting.
  Listener& listen(StreamDoor& door, int backlog = 4096) {
    BindRequest request;
    request.target.address = Address::loopback(Family::kIPv4);
    request.backlog = backlog;
    const auto fd = open_bound_socket(request);
    REQUIRE(fd);
    Listener& listener = network.add_listener(door, *fd, door.service + ".main.0");
    listener.start();
    return listener;
  }

  Client connect(const Listener& listener, const char* from = nullptr) {
    const int fd = sock::open_stream(Family::kIPv4);
    REQUIRE(fd >= 0);
    if (from != nullptr) REQUIRE(sock::bind(fd, *Address::parse_ip(from)) == 0);
    const int result = sock::connect(fd, listener.address());
    REQUIRE((result == 0 || result == -EINPROGRESS));
    return Client(fd);
  }

  // Turns the loop until `done` holds. False where that took longer than `limit`.
  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    Timer tick(loop, [] {});  // so that run_once comes back where nothing else happens
    tick.start_every(std::chrono::milliseconds(5));
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }

  // Closes everything; nothing may be used afterwards.
  void end() { owned_.reset(); }

  Loop loop;
  Events events;
  std::unique_ptr<Log> log;

 private:
  std::unique_ptr<Network> owned_;

 public:
  Network& network;
};

// A door for `handler` with nothing limited. The handler must outlive the network, so the door ends
// it.
struct OpenDoor {
  OpenDoor(NetworkFixture& fixture, StreamHandler& handler, StreamPolicy policy = {},
           Admission::Limits limits = {})
      : admission(limits),
        door{.service = "test", .handler = handler, .policy = policy, .admission = admission},
        net(fixture) {}
  ~OpenDoor() { net.end(); }
  Admission admission;
  StreamDoor door;
  NetworkFixture& net;
};

}  // namespace polyport::test
