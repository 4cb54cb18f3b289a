#include "core/net/dialer.h"

#include <algorithm>
#include <cerrno>
#include <exception>

#include "core/base/assert.h"
#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {

constexpr std::uint64_t kStaggerMs = 250;
// A unix socket whose queue is full sends no event when it has room again.
constexpr std::uint64_t kFullQueueMs = 10;
constexpr int kWanted = 1;

}  // namespace

// One socket on its way to one target. It stays until libuv has handed its poll back.
struct Dialer::Attempt : PollHandle {
  Network* network = nullptr;
  Dialer* dialer = nullptr;  // null once it is given up
  Id dial = 0;
  std::size_t target = 0;
  int fd = -1;
  bool polled = false;
  bool queue_full = false;  // unix: connect has to be tried again

  static Attempt& of(PollHandle& handle) { return static_cast<Attempt&>(handle); }
};

struct Dialer::Dial {
  Id id = 0;
  DialRequest request;
  std::size_t next = 0;  // the target to try next
  std::uint64_t deadline_ms = 0;
  std::uint64_t next_ms = 0;  // when to begin with it although another is still under way
  std::uint64_t due_ms = 0;   // where it stands in due_; 0: nowhere
  std::vector<std::unique_ptr<Attempt>> attempts;
  std::vector<DialFailure::Attempt> failures;

  void note_failure(std::size_t target, int error) {
    failures.push_back({request.targets[target], error});
  }
};

Dialer::Dialer(Network& network, DialDoor& door, std::string id, std::uint16_t number)
    : ConnectionSource(Kind::kDialer, door.handler, door.policy, door.service, std::move(id),
                       number),
      network_(network),
      handler_(door.handler),
      timer_(network.loop(), [this] { on_timer(); }) {}

Dialer::~Dialer() {
  POLYPORT_ASSERT(dials_.empty());
}

// One whose stages never opened was never told of: to its handler the dial has failed.
void Dialer::ended(const Connection& connection, CloseReason reason) {
  ++closed_[static_cast<std::size_t>(reason)];
  if (!Network::is_handshaking(connection)) return;
  DialFailure failure{connection.session(), {{{connection.peer(), {}}, ECONNABORTED}}};
  const auto noted = handshake_failures_.extract(&connection);
  failure.handshake =
      noted ? noted.mapped() : "the handshake came to nothing: " + std::string(name(reason));
  tell_failed(failure);
}

void Dialer::note_handshake_failure(const Connection& connection, std::string_view why) {
  handshake_failures_.emplace(&connection, why);
}

// --- from outside --------------------------------------------------------------------------------

Dialer::Id Dialer::dial(DialRequest request) {
  POLYPORT_ASSERT(!request.targets.empty());
  const Id id = ++last_id_;
  auto owned = std::make_unique<Dial>();
  Dial& dial = *owned;
  dial.id = id;
  dial.request = std::move(request);
  const auto most =
      static_cast<std::uint64_t>(std::max<std::int64_t>(1, dial.request.timeout.count()));
  dial.deadline_ms = network_.loop().now_ms() + most;
  dials_.emplace(id, std::move(owned));
  begin_next(dial);
  schedule(dial);
  fresh_.push_back(id);
  want_settling();
  return id;
}

void Dialer::cancel(Id id) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return;
  unschedule(*found->second);
  for (auto& attempt : found->second->attempts)
    drop(std::move(attempt));
  dials_.erase(found);
  arm();
}

void Dialer::close() {
  closed_for_good_ = true;
  while (!dials_.empty())
    cancel(dials_.begin()->first);
}

void Dialer::want_settling() {
  if (std::exchange(settling_wanted_, true)) return;
  network_.dialing_.push_back(this);
}

// --- attempts ------------------------------------------------------------------------------------

void Dialer::begin_next(Dial& dial) {
  while (dial.next < dial.request.targets.size()) {
    if (begin(dial, dial.next++)) break;
  }
  dial.next_ms = network_.loop().now_ms() + kStaggerMs;
}

// False where it has failed already.
bool Dialer::begin(Dial& dial, std::size_t target) {
  const DialTarget& wanted = dial.request.targets[target];
  int fd = -1;
  int error = open_socket(dial, wanted, fd);
  if (error == 0) {
    const int result = wanted.address.family == Family::kUnix ? sock::connect_unix(fd, wanted.path)
                                                              : sock::connect(fd, wanted.address);
    error = -result;
  }
  if (error != 0 && error != EINPROGRESS && error != EAGAIN) {
    if (fd >= 0) sock::close(fd);
    dial.note_failure(target, error);
    return false;
  }
  auto attempt = std::make_unique<Attempt>();
  attempt->network = &network_;
  attempt->dialer = this;
  attempt->dial = dial.id;
  attempt->target = target;
  attempt->fd = fd;
  attempt->queue_full = error == EAGAIN;
  ++network_.attempts_;
  note_local(dial, *attempt);
  dial.attempts.push_back(std::move(attempt));
  return true;
}

// 0, or an errno; `fd` is the caller's in any case.
int Dialer::open_socket(const Dial& dial, const DialTarget& target, int& fd) {
  if (closed_for_good_) return ECANCELED;
  if (!network_.has_descriptor_for_dial()) return EMFILE;
  fd = sock::open_stream(target.address.family);
  if (fd < 0) return -fd;
  if (target.address.family == Family::kUnix) return 0;
  sock::set_option(fd, sock::Option::kNoDelay, kWanted);
  const auto& source = dial.request.source;
  if (!source || source->family != target.address.family) return 0;
  // One port can serve towards several targets: it is chosen at connect, or shared.
  sock::set_option(
      fd, source->port == 0 ? sock::Option::kBindAddressNoPort : sock::Option::kReuseAddress,
      kWanted);
  return -sock::bind(fd, *source);
}

void Dialer::note_local(Dial& dial, Attempt& attempt) {
  if (dial.request.hops == 0) return;
  Address local;
  if (sock::local_address(attempt.fd, local) < 0) return;
  network_.hops().note(local, dial.request.targets[attempt.target].address, dial.request.hops,
                       network_.loop().now_ms());
}

namespace {

// A connection to a port nobody listens on may meet itself, where the kernel lends that very port
// to it: both ends are one socket, and the server is still not there.
bool has_met_itself(int fd) {
  Address local, peer;
  return sock::local_address(fd, local) == 0 && sock::peer_address(fd, peer) == 0 &&
         local.is_ip() && local == peer;
}

}  // namespace

Dialer::Progress Dialer::look_at(Dial& dial) {
  for (std::size_t i = 0; i < dial.attempts.size();) {
    Attempt& attempt = *dial.attempts[i];
    const DialTarget& target = dial.request.targets[attempt.target];
    int result = attempt.queue_full ? sock::connect_unix(attempt.fd, target.path)
                                    : sock::connect_result(attempt.fd);
    if (result == 0 && has_met_itself(attempt.fd)) result = -ECONNREFUSED;
    if (result == 0) {
      connected(dial, i);
      return Progress::kOver;
    }
    if (result == -EINPROGRESS || result == -EAGAIN) {
      ++i;
      continue;
    }
    dial.note_failure(attempt.target, -result);
    drop(std::move(dial.attempts[i]));
    dial.attempts.erase(dial.attempts.begin() + static_cast<std::ptrdiff_t>(i));
    // What was begun meanwhile stands behind this one and is looked at in this round too.
    if (dial.attempts.empty()) begin_next(dial);
  }
  if (!dial.attempts.empty()) return Progress::kGoesOn;
  fail(dial);
  return Progress::kOver;
}

void Dialer::settle() {
  settling_wanted_ = false;
  const std::vector<Id> begun = std::exchange(fresh_, {});
  for (const Id id : begun)
    look_again(id);
}

void Dialer::look_again(Id id) {
  const auto found = dials_.find(id);
  if (found == dials_.end()) return;
  network_.update_now();
  Dial& dial = *found->second;
  if (look_at(dial) == Progress::kOver) return;
  for (auto& attempt : dial.attempts) {
    if (!attempt->polled && !attempt->queue_full) watch(*attempt);
  }
  schedule(dial);
}

void Dialer::watch(Attempt& attempt) {
  static constexpr PollOperations kOperations = {
      [](PollHandle& handle, std::uint8_t) noexcept {
        const Attempt& ready = Attempt::of(handle);
        if (ready.dialer != nullptr) ready.dialer->look_again(ready.dial);
      },
      [](PollHandle& handle) noexcept {
        const std::unique_ptr<Attempt> over(&Attempt::of(handle));
        over->network->poll_handle_closed();
      }};
  // Without a poll the deadline ends it.
  if (!network_.poller_.open(attempt, attempt.fd, kOperations)) return;
  attempt.polled = true;
  network_.poll_handle_opened();
  network_.poller_.set(attempt, kWritable);
}

// Gives the attempt up and closes its socket.
void Dialer::drop(std::unique_ptr<Attempt> attempt) {
  const int fd = take_descriptor(std::move(attempt));
  sock::close(fd);
  network_.note_room();
}

int Dialer::take_descriptor(std::unique_ptr<Attempt> attempt) {
  --network_.attempts_;
  attempt->dialer = nullptr;
  const int fd = std::exchange(attempt->fd, -1);
  if (attempt->polled) {
    network_.poller_.release(*attempt);
    attempt.release();  // until libuv calls `closed`
  }
  return fd;
}

void Dialer::connected(Dial& dial, std::size_t index) {
  const DialTarget target = dial.request.targets[dial.attempts[index]->target];
  void* const session = dial.request.session;
  const int fd = take_descriptor(std::move(dial.attempts[index]));
  dial.attempts.erase(dial.attempts.begin() + static_cast<std::ptrdiff_t>(index));
  cancel(dial.id);
  ++opened_;
  network_.open(*this, fd, target.address, session);
}

void Dialer::fail(Dial& dial) {
  const DialFailure failure{dial.request.session, std::move(dial.failures)};
  POLYPORT_ASSERT(!failure.attempts.empty());
  cancel(dial.id);
  tell_failed(failure);
}

void Dialer::tell_failed(const DialFailure& failure) {
  ++failed_[static_cast<std::size_t>(failure.error())];
  network_.tell_dial_failed(*this, failure);
  try {
    handler_.on_dial_failed(failure);
  } catch (const std::exception& error) {
    network_.log().error({.event = "service_error",
                          .message = error.what(),
                          .service = service(),
                          .listener = id()});
  } catch (...) {
    network_.log().error({.event = "service_error",
                          .message = "an exception of no known type",
                          .service = service(),
                          .listener = id()});
  }
}

// --- times ---------------------------------------------------------------------------------------

void Dialer::schedule(Dial& dial) {
  unschedule(dial);
  dial.due_ms = dial.deadline_ms;
  if (dial.next < dial.request.targets.size()) dial.due_ms = std::min(dial.due_ms, dial.next_ms);
  const bool again = std::any_of(dial.attempts.begin(), dial.attempts.end(),
                                 [](const auto& attempt) { return attempt->queue_full; });
  if (again) dial.due_ms = std::min(dial.due_ms, network_.loop().now_ms() + kFullQueueMs);
  due_.emplace(dial.due_ms, dial.id);
  arm();
}

void Dialer::unschedule(Dial& dial) {
  if (dial.due_ms != 0) due_.erase({dial.due_ms, dial.id});
  dial.due_ms = 0;
}

void Dialer::arm() {
  if (due_.empty()) {
    timer_.stop();
    return;
  }
  const std::uint64_t now = network_.loop().now_ms();
  const std::uint64_t first = due_.begin()->first;
  timer_.start(std::chrono::milliseconds(first > now ? first - now : 0));
}

void Dialer::on_timer() {
  const std::uint64_t now = network_.loop().now_ms();
  std::vector<Id> ids;
  for (const auto& [due_ms, id] : due_) {
    if (due_ms > now) break;
    ids.push_back(id);
  }
  for (const Id id : ids) {
    // The loop may have stood still: what was connected in time counts, whatever the clock says.
    look_again(id);
    const auto found = dials_.find(id);
    if (found == dials_.end()) continue;
    Dial& dial = *found->second;
    if (now >= dial.deadline_ms) {
      for (auto& attempt : dial.attempts) {
        dial.note_failure(attempt->target, ETIMEDOUT);
        drop(std::move(attempt));
      }
      dial.attempts.clear();
      fail(dial);
    } else if (dial.next < dial.request.targets.size() && now >= dial.next_ms) {
      begin_next(dial);
      look_again(id);
    }
  }
  arm();
}

}  // namespace polyport
