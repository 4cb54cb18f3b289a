// Listener: one listening stream socket, from bound to closed.
//
// Accepts within a budget a wake-up, stops accepting while the service, the process or the
// descriptors are full, and goes on when there is room again. Counts what it took and what it
// refused.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/net/admission.h"
#include "core/net/poller.h"
#include "core/net/stream_handler.h"
#include "core/net/stream_policy.h"
#include "core/observe/close_reason.h"
#include "core/socket/address.h"

namespace polyport {

class Network;

// Who serves a listener's connections and how; outlives the listener and all of them.
struct StreamDoor {
  std::string service;  // the instance's name
  StreamHandler& handler;
  StreamPolicy policy;
  Admission& admission;
  // Health and admin: a full process must still answer them.
  bool uses_reserve = false;
  std::array<std::uint64_t, kCloseReasons> closed{};  // connections ended, by reason
};

class Listener : private PollHandle {
 public:
  // Takes over `fd`, which is bound and listening. `id` is the listener's name: "web.main.0".
  Listener(Network& network, StreamDoor& door, int fd, std::string id, std::uint16_t number);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void start();  // begins to accept
  void stop();   // stops accepting; the socket stays open
  // Takes what the kernel has completed already: closing the socket would reset those clients.
  void accept_backlog();
  // Closes the socket. The object stays, for its counters and its connections.
  void close();

  StreamDoor& door() const { return door_; }
  const std::string& id() const { return id_; }
  std::uint16_t number() const { return number_; }
  const Address& address() const { return address_; }

  // Connections the kernel holds for us now; 0 where it does not tell.
  int accept_queue() const;

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t active() const { return active_; }
  // Of connections that have ended; Network::totals adds the open ones.
  std::uint64_t bytes_in() const { return bytes_in_; }
  std::uint64_t bytes_out() const { return bytes_out_; }
  const std::array<std::uint64_t, kCloseReasons>& refused() const { return refused_; }

 private:
  friend class Network;
  enum class State : std::uint8_t { kIdle, kAccepting, kWaiting, kStopped, kClosed };

  static Listener& of(PollHandle& handle) { return static_cast<Listener&>(handle); }
  void ready();
  // Accepts one; false where there is nothing more to accept now.
  bool accept_one();
  void wait_for_room(CloseReason reason);
  bool has_room() const;
  // Takes one client at once and goes on accepting.
  void resume();

  Network& network_;
  StreamDoor& door_;
  std::string id_;
  Address address_;
  int fd_;
  std::uint16_t number_;
  State state_ = State::kIdle;
  bool polled_ = false;
  std::uint64_t accepted_ = 0;
  std::uint64_t active_ = 0;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  std::array<std::uint64_t, kCloseReasons> refused_{};
};

}  // namespace polyport
