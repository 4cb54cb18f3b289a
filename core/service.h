// service.h: everything a service needs to see.
//
// A service is one folder under services/ whose NAME.cc ends in a `service_type`. It derives from
// Service, overrides the callbacks it cares about, and is handed connections and datagrams of every
// door the host opened for it. docs/adding_a_service.md walks through one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/result.h"
#include "core/loop/timer.h"
#include "core/net/connection.h"
#include "core/net/datagram.h"
#include "core/net/network.h"
#include "core/net/stream_handler.h"
#include "core/observe/log.h"
#include "core/ports/endpoint.h"
#include "core/settings/option.h"

namespace polyport {

struct Explanation;

namespace http {
class Handler;
}

// One way into a service: an option that holds endpoints, the transports it takes, and what speaks
// on its stream sockets.
struct Door {
  enum class Kind : std::uint8_t { kStream, kHttp };

  std::string_view name = "main";
  std::string_view option = "listen";
  Transports transports = polyport::transports(Transport::kTcp);
  Kind kind = Kind::kStream;
  std::string_view try_it = {};  // in place of the type's
};

// What its endpoints may be: what the door names, and WebSocket in front of a stream service.
constexpr Transports offered(const Door& door) {
  if (door.kind != Door::Kind::kStream) return door.transports;
  Transports all = door.transports;
  if (contains(all, Transport::kTcp)) all |= transports(Transport::kWs);
  if (contains(all, Transport::kTls)) all |= transports(Transport::kWss);
  return all;
}

enum class ServiceState : std::uint8_t {
  kDisabled,
  kStarting,
  kLive,
  kSkipped,
  kRetrying,
  kPaused,
  kDraining,
  kStopped,
  kFailed
};
std::string_view name(ServiceState state);

enum class ListenerState : std::uint8_t {
  kListening,
  kBound,     // a datagram socket: there is nothing to listen for
  kRetrying,  // its port could not be had yet
  kSkipped,   // its service was left out
  kClosed,    // on purpose (state = "closed"): no socket, the kernel refuses
  kStopped,   // with its service
};
std::string_view name(ListenerState state);

// How a listener came to its socket.
enum class ListenerOrigin : std::uint8_t {
  kConfigured,
  kMoved,      // on_conflict = "next"
  kShared,     // on_conflict = "share": another process has the port too
  kInherited,  // socket activation
};
std::string_view name(ListenerOrigin origin);

struct ListenerStatus {
  std::string id;  // "web.main.0"; survives a reload
  std::string_view door;
  std::string_view try_it;  // of the door, else of the type
  Transport transport = Transport::kTcp;
  std::string configured;  // the endpoint as written
  std::string where;       // and where: "my.toml:3:10"
  std::string bound;       // "127.0.0.1:8080" or the path; what is wanted where it is not open
  Address address;         // of an IP listener
  ListenerState state = ListenerState::kListening;
  ListenerOrigin origin = ListenerOrigin::kConfigured;
  bool accepts = true;  // false: its clients stay in the backlog (accept = "never")
  // Of what kept it from its port, or still does; null where nothing did.
  std::shared_ptr<const Explanation> explanation;
  std::uint64_t retries = 0;  // tries to open it after the first
  std::uint32_t group = 0;    // endpoints that one string expanded to share it
  int backlog = 0;
  int accept_queue = 0;        // connections of the backlog that wait now
  std::uint64_t accepted = 0;  // connections, or datagrams received
  std::uint64_t active = 0;
  std::uint64_t datagrams_out = 0;  // of a UDP listener
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::vector<std::pair<std::string_view, std::uint64_t>> refused;  // by reason
  // Connections that spoke another protocol, by its name.
  std::vector<std::pair<std::string_view, std::uint64_t>> wrong_protocol;

  // Has its socket.
  bool is_open() const {
    return state == ListenerState::kListening || state == ListenerState::kBound;
  }
};

// Somebody a service connects to.
struct UpstreamStatus {
  enum class State : std::uint8_t { kUntried, kResolving, kUp, kFailed };
  using Counts = std::vector<std::pair<std::string_view, std::uint64_t>>;  // by reason

  std::string id;  // "db.upstream.0"
  Transport transport = Transport::kTcp;
  std::string configured;              // "tcp://db.example:5432"
  std::vector<std::string> addresses;  // what that stands for now
  State state = State::kUntried;
  std::string error;         // what is wrong with it now
  std::uint64_t opened = 0;  // connections, or sessions of datagrams
  std::uint64_t active = 0;
  std::uint64_t datagrams_in = 0;
  std::uint64_t datagrams_out = 0;
  std::uint64_t bytes_in = 0;  // from it
  std::uint64_t bytes_out = 0;
  Counts failed;  // connections that could not be opened
  Counts closed;  // connections that ended
};
std::string_view name(UpstreamStatus::State state);

// What a service, or the process, holds of what is limited, and the limits; 0: there is none.
struct LimitStatus {
  std::uint64_t connections = 0;
  std::uint64_t max_connections = 0;
  std::uint64_t queued_bytes = 0;
  std::uint64_t max_queued = 0;
  std::uint64_t memory_bytes = 0;  // 0 where there is no limit of it
  std::uint64_t memory_limit = 0;
};

// The process as a whole.
struct ProcessStatus {
  LimitStatus limits;
  std::uint64_t descriptors_for_connections = 0;  // 0: not known
};

struct ServiceStatus {
  std::string name;
  std::string_view type;
  std::string_view summary;
  std::string_view try_it;  // as in ServiceType
  bool internal = false;    // health and admin
  ServiceState state = ServiceState::kStarting;
  std::string reason;  // why it is skipped, paused or failed
  LimitStatus limits;
  std::vector<std::pair<std::string_view, std::uint64_t>> closed;  // connections ended, by reason
  std::vector<ListenerStatus> listeners;
  std::vector<UpstreamStatus> upstreams;
  std::uint64_t requests = 0;  // of HTTP, over all its doors
};

// What a load test asks of the process and its machine; all counters are since the start.
struct LoadStatus {
  std::uint64_t now_ns = 0;   // of a clock that only goes forward
  std::uint64_t busy_ns = 0;  // time the loop has worked and not slept
  std::uint64_t turns = 0;
  Histogram long_turns;         // of LoopLoad::kLongNs and more, nanoseconds
  Histogram answers;            // one in AnswerTimes::kOneOf, nanoseconds
  std::uint64_t cpu_ns = 0;     // processor time of the loop's thread
  std::uint64_t queued_ns = 0;  // time that it waited for a processor
  std::uint64_t descriptor_bursts = 0;
  std::uint64_t open_connections = 0;
  // Open TCP connections of clients on other machines, up to 64 of a process, by their names: how
  // often something had to be sent again since each was opened.
  std::vector<std::pair<std::string, std::uint64_t>> looked_at;
  bool looked_at_all = true;  // there are no others
  // Of this network namespace (TcpExt and Tcp of /proc/net), not of this process alone.
  std::uint64_t listen_overflows = 0;
  std::uint64_t listen_drops = 0;
  std::uint64_t segments_out = 0;
  std::uint64_t segments_again = 0;  // retransmitted
  std::uint64_t most_backlog = 0;    // net.core.somaxconn; 0: not known
  // Each loop by itself, where several processes serve; else empty, and the figures above are those
  // of the one there is.
  struct Loop {
    std::uint64_t busy_ns = 0;
    std::uint64_t cpu_ns = 0;
    std::uint64_t queued_ns = 0;
  };
  std::vector<Loop> loops;
};

// One of the processes that serve, where there are several.
struct WorkerStatus {
  enum class State : std::uint8_t { kStarting, kLive, kWaiting, kDraining, kStopped };

  int number = 0;
  State state = State::kStarting;  // kWaiting: it has died, and is started again in a moment
  int pid = 0;                     // 0: there is no process
  std::uint64_t restarts = 0;
  std::string last_end;        // how its last process ended: "signal 9 (Killed)"
  std::uint64_t accepted = 0;  // connections
  std::uint64_t active = 0;
  std::uint64_t turns = 0;
  std::uint64_t resident_bytes = 0;
};
std::string_view name(WorkerStatus::State state);

// What a service may see of the process it runs in. Read-only.
class HostView {
 public:
  virtual ~HostView() = default;
  virtual std::vector<ServiceStatus> services() const = 0;
  virtual ProcessStatus process() const { return {}; }
  virtual bool draining() const = 0;
  virtual std::uint64_t open_connections() const = 0;
  virtual std::string_view server_name() const = 0;
  // Writes the metrics page (Prometheus text) to the end of `out`.
  virtual void write_metrics(std::string& out) const = 0;
  // Empty where one process does it all.
  virtual std::vector<WorkerStatus> workers() const { return {}; }
  // Where the figures of others have to be asked for first, `done` comes when they are there, or
  // when that takes too long; else at once.
  virtual void refresh(std::function<void()> done) { done(); }
  // Asks the kernel a few things; not for every request.
  virtual LoadStatus load() const { return {}; }
};

// Handed to start(); lives as long as the service. The callback of a Timer must not throw: no
// connection is there to be closed for it, so it would end the process.
struct ServiceContext {
  std::string instance;  // the name of the config table: "web"
  Loop& loop;            // for Timer
  Network& network;      // find a connection by its id
  Log& log;
  HostView& host;
  StreamPolicy policy;  // of the service's doors, for connections it opens itself
  // Where it may keep what must survive a restart (StateFolder); empty: there is no such place.
  std::string state_dir = {};
};

class Service : public StreamHandler, public DatagramHandler {
 public:
  // Before any listener of the process accepts. An error stops the start of the whole process.
  virtual Result<void> start(ServiceContext&) { return {}; }
  // The drain begins; connections still end through on_close.
  virtual void stop() {}

  // Adds what only the service knows of its state: its upstreams, and in `reason` why it cannot
  // serve now. Asked only between start and the end. `totals` as Network::totals gives them.
  virtual void report(ServiceStatus&, const std::vector<Network::Totals>&) const {}

  // Who serves the stream sockets of a door, for a service with several protocols.
  virtual StreamHandler& stream_handler([[maybe_unused]] const Door& door) { return *this; }
  // Who answers on a door of kind kHttp; must be overridden by a service that has one.
  virtual http::Handler* http_handler([[maybe_unused]] const Door& door) { return nullptr; }
};

// The door of a protocol that means the same on every transport: echo, time, ….
inline constexpr Door kEveryTransport[] = {
    {.transports =
         transports(Transport::kTcp, Transport::kUdp, Transport::kUnix, Transport::kTls)}};

// The usual ServiceType::create: a T made from its option values, or from nothing.
template <class T>
std::unique_ptr<Service> make_service([[maybe_unused]] const OptionValues& values) {
  if constexpr (std::is_constructible_v<T, const OptionValues&>) {
    return std::make_unique<T>(values);
  } else {
    return std::make_unique<T>();
  }
}

struct ServiceType {
  std::string_view name;
  std::string_view summary;        // one line for `polyport services`
  std::uint16_t default_port = 0;  // used when `listen` is left out
  std::span<const Door> doors;
  std::span<const OptionSpec> options;  // beside those every service has (common_options)
  // A line that talks to it, {port} and {host} filled in: "curl http://{host}:{port}/".
  std::string_view try_it = "polyport connect {host}:{port}";
  bool client_speaks_first = false;  // the kernel may hold a connection back until its first byte
  bool udp_loop_free = false;        // its UDP answers can never be taken for questions (UdpGuard)
  // Its protocol defines the answer to any byte, so whoever speaks another one cannot be told: that
  // is noted instead (Connection::note_wrong_protocol).
  bool answers_any_byte = false;
  bool internal = false;
  bool speaks_text = false;  // what it says before it hears anything is text (for WebSocket)
  // Whether its connections share what this process holds (the rooms of a chat): with several
  // worker processes one of them serves it, because no client may see half of it. Null: never.
  bool (*shares_state)(const OptionValues& values) = nullptr;
  bool dials = false;  // each of its stream clients needs a second descriptor, for an upstream
  // What no row can say of the values of one table, how they go together: found by `check`, and
  // before a start, without a socket. An error without a place is given the table's.
  Errors (*check)(const OptionValues& values) = nullptr;
  // What it can be asked for beyond its options, as Markdown for the docs; null: nothing.
  std::string (*reference)() = nullptr;
  std::unique_ptr<Service> (*create)(const OptionValues& values) = nullptr;
};

// The services found in services/, in alphabetical order. Generated.
std::span<const ServiceType* const> service_types();

// The options every service has: type, enabled, listen, on_conflict, backlog, max_connections, ….
std::span<const OptionSpec> common_options();

// A service with state per connection: makes a Session in on_open, hands it to every callback,
// frees it last. Session needs a constructor from Connection&.
template <class Session>
class SessionService : public Service {
 public:
  virtual void on_session_open(Connection&, Session&) {}
  virtual void on_session_data(Connection&, Session&, Bytes) {}
  virtual void on_session_close(Connection&, Session&, CloseReason) {}

  static Session& session(Connection& connection) {
    return *static_cast<Session*>(connection.session());
  }

  void on_open(Connection& connection) final {
    connection.set_session(new Session(connection));
    on_session_open(connection, session(connection));
  }
  void on_data(Connection& connection, Bytes data) final {
    on_session_data(connection, session(connection), data);
  }
  void on_close(Connection& connection, CloseReason reason) final {
    std::unique_ptr<Session> owned(static_cast<Session*>(connection.session()));
    connection.set_session(nullptr);
    if (owned) on_session_close(connection, *owned, reason);
  }
};

}  // namespace polyport
