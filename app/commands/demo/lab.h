// Lab: the sockets, second processes and look-ups that a demo plays with.
//
// A demo asks the kernel through a Lab and through nothing else, so that a test can give it one
// that answers otherwise and see that the words change. Everything a Lab has opened or started ends
// with it. Nothing waits longer than it is told to; not for a running loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/ports/endpoint.h"
#include "core/ports/ranges.h"
#include "core/ports/resolve.h"
#include "core/socket/address.h"

namespace polyport::demo {

using std::chrono::milliseconds;

// The call that a trial came to its end with.
enum class Step : std::uint8_t {
  kNone,
  kSocket,
  kOption,
  kBind,
  kListen,
  kConnect,
  kAccept,
  kFork
};
std::string_view name(Step step);  // "bind", …; "" for kNone

// A socket for a server, or one that only has a port.
struct Wish {
  static constexpr int kBindOnly = -1;  // as a backlog: no listen()
  static constexpr int kUnbound = -2;   // no bind() either

  Transport transport = Transport::kTcp;
  Address address;  // port 0: the kernel chooses
  IPv6Mode ipv6_mode = IPv6Mode::kOnly;
  int backlog = 16;  // UDP has none
  bool reuse_address = false;
  bool reuse_port = false;
};

struct PortBlock {
  std::uint16_t low = 0;
  std::uint16_t high = 0;
};

struct Dial {
  Address peer;
  // The near end, bound first; port 0 leaves the number to connect().
  std::optional<Address> from;
  bool reuse_address = false;     // on the near end
  std::optional<PortBlock> lent;  // IP_LOCAL_PORT_RANGE
  milliseconds wait{3000};        // 0: the connect is only begun
};

struct Opened {
  int socket = -1;  // closed by the Lab where there is an error, except ETIMEDOUT of a connect
  Step step = Step::kNone;
  int error = 0;
  Address local;
  Address peer;
  bool ok() const { return error == 0; }
};

struct Heard {
  int error = 0;      // ETIMEDOUT: nothing came
  std::string bytes;  // empty without an error: the other end has closed
};

// Where a second process does what is wished.
enum class Where : std::uint8_t {
  kHere,            // beside us, as we are
  kAsNobody,        // as the user 65534, where we may become that one
  kOtherNamespace,  // in a network namespace of its own, where we may make one
};
struct Held {
  int pid = 0;  // 0: no process is left
  Step step = Step::kNone;
  int error = 0;  // with kFork: it could not be started, or not be put there
  Address local;
  bool ok() const { return error == 0; }
};

// A polyport of its own: `polyport run --json -`, with its configuration on standard input.
struct Program {
  int id = 0;          // for stop(); 0: it has ended, or never began
  int exit_code = -1;  // where it has ended by itself
  int error = 0;       // it could not be started (errno), or said nothing in time (ETIMEDOUT)
  std::string said;    // on standard output: the ready line, or the explanations
};

class Lab {
 public:
  virtual ~Lab() = default;

  virtual Opened open(const Wish& wish) = 0;
  virtual Opened connect(const Dial& dial) = 0;
  // The end of a connect that was only begun, or timed out: 0, errno, or ETIMEDOUT.
  virtual int finish_connect(int socket, milliseconds wait) = 0;
  virtual Opened accept(int listener, milliseconds wait) = 0;
  virtual Heard hear(int socket, milliseconds wait) = 0;
  virtual int say(int socket, std::string_view bytes) = 0;
  virtual void close(int socket) = 0;
  virtual void reset(int socket) = 0;  // closes with a RST: no TIME_WAIT is left

  // The near end of any socket; port 0: it has none.
  virtual Address local(int socket) = 0;
  virtual int peer_error(int socket) = 0;  // of getpeername: 0 or errno
  virtual int queue(int listener) = 0;     // connections that wait to be accepted
  virtual bool is_established(int socket) = 0;
  virtual bool is_waiting_for_answer(int socket) = 0;  // SYN-SENT
  // How long the kernel still keeps this pair in TIME_WAIT at the end `local`; waits for a moment
  // for it to appear. Nothing where it is not there.
  virtual std::optional<milliseconds> time_wait_left(const Address& local, const Address& peer) = 0;

  // Another process that holds a socket until end().
  virtual Held hold(const Wish& wish, Where where) = 0;
  virtual void end(const Held& held) = 0;

  // Waits until it has said that all is open, or has ended.
  virtual Program start(std::string_view configuration, milliseconds wait) = 0;
  virtual void stop(const Program& program) = 0;

  virtual void wait(milliseconds time) = 0;

  virtual EphemeralRange ephemeral() = 0;
  virtual std::uint16_t unprivileged_start() = 0;
  virtual Families families() = 0;
  virtual std::vector<Address> network_addresses() = 0;
  // As the system's resolver has it, not as polyport does.
  virtual Result<std::vector<Address>> system_look_up(const std::string& host) = 0;
  virtual std::string file(
      const std::string& path) = 0;  // its first 64 KiB; empty where it is none
  virtual bool is_root() = 0;
};

}  // namespace polyport::demo
