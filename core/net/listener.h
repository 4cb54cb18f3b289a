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
#include "core/net/connection_source.h"
#include "core/net/poller.h"
#include "core/socket/address.h"

namespace polyport {

class Network;
struct AccessList;

// Who serves a listener's connections and how; outlives the listener and all of them.
struct StreamDoor {
  std::string service;  // the instance's name
  StreamHandler& handler;
  StreamPolicy policy;
  Admission& admission;
  // Which IP clients are served; null: all. It outlives the door.
  const AccessList* access = nullptr;
  // Health and admin: a full process must still answer them.
  bool uses_reserve = false;
  // What a connection of this door costs: 2 where each of them opens another one.
  std::uint32_t descriptors = 1;
  std::array<std::uint64_t, kCloseReasons> closed{};  // connections ended, by reason
};

class Listener final : private PollHandle, public ConnectionSource {
 public:
  // Takes over `fd`, which is bound and listening. `id` is the listener's name: "web.main.0".
  Listener(Network& network, StreamDoor& door, int fd, std::string id, std::uint16_t number);

  void start();  // begins to accept
  void stop();   // stops accepting; the socket stays open
  // Takes what the kernel has completed already: closing the socket would reset those clients.
  void accept_backlog();
  // Closes the socket. The object stays, for its counters and its connections.
  void close();
  // Takes over another such descriptor in its place, as when it was made. False where it is open,
  // or the loop has not let go of it yet; `fd` stays the caller's then.
  bool reopen(int fd);
  bool is_open() const { return state_ != State::kClosed; }

  StreamDoor& door() const { return door_; }
  const Address& address() const { return address_; }

  // Connections the kernel holds for us now; 0 where it does not tell.
  int accept_queue() const;

  std::uint64_t accepted() const { return accepted_; }
  const std::array<std::uint64_t, kCloseReasons>& refused() const { return refused_; }

 private:
  friend class Network;
  enum class State : std::uint8_t { kIdle, kAccepting, kWaiting, kStopped, kClosed };

  static Listener& of(PollHandle& handle) { return static_cast<Listener&>(handle); }
  void ended(const Connection& connection, CloseReason reason) override;
  void ready();
  // Accepts one; false where there is nothing more to accept now.
  bool accept_one();
  // What accept() failed with: true where nothing more is to be accepted now.
  bool has_to_pause(int error);
  // Completes `peer`; false where it is not served here and has been closed.
  bool is_welcome(int fd, Address& peer);
  // Counts the client; false where its address has as many connections as it may.
  bool admit(const Address& peer);
  // Tells a client that was accepted already why it is not served, and closes it.
  void turn_away(int fd, CloseReason reason);
  void count_refused(CloseReason reason);
  void wait_for_room(CloseReason reason);
  // Waits with a look from time to time, besides whenever a connection ends.
  bool looks_again() const;
  // Takes one client at once and goes on accepting.
  void resume();

  Network& network_;
  StreamDoor& door_;
  Address address_;
  int fd_;
  State state_ = State::kIdle;
  bool polled_ = false;
  std::uint64_t accepted_ = 0;
  std::array<std::uint64_t, kCloseReasons> refused_{};
  std::array<std::uint64_t, kCloseReasons> refused_ms_{};  // when last
};

}  // namespace polyport
