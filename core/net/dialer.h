// Dialer: opens connections to others, as a Listener accepts them.
//
// A dial tries its targets in turn, the next one when one has failed or 250 ms after it began
// (RFC 8305 section 5), all within one deadline; the first that connects wins and becomes a
// Connection like any other. An attempt costs a socket and a poll handle of its own until then.
// Names are not looked up here (see Resolver), and nothing is tried again: that is for whoever
// dials.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/loop/timer.h"
#include "core/net/connection_source.h"
#include "core/socket/address.h"

namespace polyport {

class Network;

// One address to connect to.
struct DialTarget {
  Address address;   // with its port; of family kUnix for a path
  std::string path;  // unix only, as in Endpoint
  std::string text() const;

  friend bool operator==(const DialTarget&, const DialTarget&) = default;
};

struct DialRequest {
  std::vector<DialTarget> targets;           // in the order to try them
  std::chrono::milliseconds timeout{5'000};  // for all of them together
  std::optional<Address> source = {};        // where to connect from; for targets of its family
  void* session = nullptr;                   // of the connection from on_open on, or of the failure
  std::uint8_t hops = 0;                     // see HopTable
};

// What kept a target from being reached: the metric's label.
enum class DialError : std::uint8_t {
  kRefused,       // nobody listens there
  kTimedOut,      // no answer within the time
  kUnreachable,   // no route, or the network says so
  kNotFound,      // no such unix socket
  kNotPermitted,  // a unix socket's mode, a firewall
  kLocalAddress,  // the source address cannot be had, or its ports are used up
  kDescriptors,
  kHandshake,  // connected, and its stages (TLS, WebSocket) did not open
  kOther,
};
inline constexpr std::size_t kDialErrors = 9;
std::string_view name(DialError error);  // "refused", …
DialError dial_error(int error);         // of an errno

struct DialFailure {
  struct Attempt {
    DialTarget target;
    int error = 0;  // errno; ETIMEDOUT where the dial's time was over
  };
  void* session = nullptr;
  std::vector<Attempt> attempts;  // in the order in which they failed, never empty
  // Why the handshake of a dialer's stages came to nothing, with the one that was connected; empty
  // where none was.
  std::string handshake = {};

  DialError error() const {
    return handshake.empty() ? dial_error(attempts.back().error) : DialError::kHandshake;
  }
  // "127.0.0.1:5432: Connection refused; [::1]:5432: Connection refused"
  std::string text() const;
};

// Serves the connections of a dialer. on_open comes when one is connected, and its stages are open.
class DialHandler : public StreamHandler {
 public:
  // Nobody could be reached; the session is the caller's again. Like on_open it never comes from
  // inside dial().
  virtual void on_dial_failed(const DialFailure& failure) = 0;
};

// What the connections of a dialer have in common; outlives it and all of them.
struct DialDoor {
  std::string service;  // the instance's name
  DialHandler& handler;
  StreamPolicy policy;
};

class Dialer final : public ConnectionSource {
 public:
  using Id = std::uint64_t;  // of a dial under way; 0 is none

  Dialer(Network& network, DialDoor& door, std::string id, std::uint16_t number);
  ~Dialer() override;

  Id dial(DialRequest request);
  // Gives a dial up: its handler is not called. An id that is over is no mistake.
  void cancel(Id id);
  // Gives all up, as if each were cancelled; what is dialled afterwards fails.
  void close();

  std::size_t dialing() const { return dials_.size(); }
  std::uint64_t opened() const { return opened_; }
  // Dials that ended without a connection, by what the last target answered.
  const std::array<std::uint64_t, kDialErrors>& failed() const { return failed_; }
  const std::array<std::uint64_t, kCloseReasons>& closed() const { return closed_; }

 private:
  friend class Network;
  struct Attempt;
  struct Dial;
  enum class Progress : std::uint8_t { kGoesOn, kOver };

  void ended(const Connection& connection, CloseReason reason) override;
  void note_handshake_failure(const Connection& connection, std::string_view why) override;
  void tell_failed(const DialFailure& failure);

  // Looks at the attempts that were begun in this turn: on this machine most are connected by now.
  void settle();
  // Begins attempts until one is under way or no target is left.
  void begin_next(Dial& dial);
  bool begin(Dial& dial, std::size_t target);
  int open_socket(const Dial& dial, const DialTarget& target, int& fd);
  void note_local(Dial& dial, Attempt& attempt);
  // Asks the kernel about every attempt of the dial. When it is over, so is the Dial.
  Progress look_at(Dial& dial);
  void look_again(Id id);
  void watch(Attempt& attempt);
  void connected(Dial& dial, std::size_t attempt);
  void fail(Dial& dial);
  void drop(std::unique_ptr<Attempt> attempt);
  int take_descriptor(std::unique_ptr<Attempt> attempt);
  void want_settling();

  // Times.
  void schedule(Dial& dial);
  void unschedule(Dial& dial);
  void on_timer();
  void arm();

  Network& network_;
  DialHandler& handler_;
  std::map<Id, std::unique_ptr<Dial>> dials_;
  std::map<const Connection*, std::string> handshake_failures_;  // of those that are ending
  std::vector<Id> fresh_;                                        // begun since the last settle()
  std::set<std::pair<std::uint64_t, Id>> due_;                   // when to look at a dial next, ms
  Timer timer_;
  Id last_id_ = 0;
  bool closed_for_good_ = false;
  bool settling_wanted_ = false;
  std::uint64_t opened_ = 0;
  std::array<std::uint64_t, kDialErrors> failed_{};
  std::array<std::uint64_t, kCloseReasons> closed_{};
};

}  // namespace polyport
