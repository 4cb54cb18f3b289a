#include "core/net/network.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "core/base/assert.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {
constexpr std::chrono::milliseconds kSweepEvery{1'000};
constexpr Tick kSecond = 16;
}  // namespace

Network::Network(Loop& loop, Log& log, Events& events, Options options)
    : loop_(loop),
      log_(log),
      events_(events),
      options_(options),
      turn_(loop, *this),
      poller_(loop, turn_),
      table_(*this),
      wheel_(table_),
      queues_(options.max_queued),
      wheel_timer_(loop, [this] { armed_tick_.reset(); }),
      sweep_timer_(loop, [this] { sweep_unwatched(); }),
      retry_timer_(loop, [this] { room_made_ = true; }),
      rate_(options.per_second),
      farewells_(loop),
      memory_(options.memory_limit, options.memory_file),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBufferBytes)) {
  due_.reserve(64);  // a first deadline, a minute after the start, is no reason to allocate
  loop_.update_now();
  origin_ms_ = last_turn_ms_ = loop_.now_ms();
  update_now();
}

Network::~Network() {
  shut_down();
}

void Network::shut_down() {
  stop_accepting();
  for (auto& dialer : dialers_)
    dialer->close();
  while (!udp_clients_.empty())
    udp_clients_.back()->close();
  resolver_.reset();
  farewells_.close_all();
  close_all(CloseReason::kDrain);
  // Callbacks may close more, and libuv hands handles back a round later.
  for (int round = 0; round < 64 && (table_.in_use() > 0 || open_handles_ > 0); ++round) {
    turn_.end();
    turn_.request();
    loop_.run_ready();
  }
  POLYPORT_ASSERT(table_.in_use() == 0 && open_handles_ == 0);
}

Listener& Network::add_listener(StreamDoor& door, int fd, std::string id) {
  listeners_.push_back(std::make_unique<Listener>(*this, door, fd, std::move(id), next_number()));
  sources_.push_back(listeners_.back().get());
  watch_memory(door.policy);
  return *listeners_.back();
}

Resolver& Network::resolver() {
  if (!resolver_) resolver_ = std::make_unique<Resolver>(loop_);
  return *resolver_;
}

std::uint16_t Network::next_number() const {
  POLYPORT_ASSERT(sources_.size() < 0xffff);
  return static_cast<std::uint16_t>(sources_.size());
}

Dialer& Network::add_dialer(DialDoor& door, std::string id) {
  dialers_.push_back(std::make_unique<Dialer>(*this, door, std::move(id), next_number()));
  sources_.push_back(dialers_.back().get());
  watch_memory(door.policy);
  return *dialers_.back();
}

UdpSocket& Network::add_udp_socket(UdpDoor& door, int fd, std::string id) {
  udp_sockets_.push_back(std::make_unique<UdpSocket>(*this, door, fd, std::move(id)));
  return *udp_sockets_.back();
}

bool Network::watch_addresses(std::function<void()> on_change) {
  POLYPORT_ASSERT(!address_watch_);
  address_watch_ = std::make_unique<AddressWatch>(*this, std::move(on_change));
  return address_watch_->start();
}

// --- stopping ------------------------------------------------------------------------------------

void Network::stop_accepting() {
  loop_.update_now();  // often called from outside the loop's callbacks
  update_now();
  for (auto& listener : listeners_) {
    listener->accept_backlog();
    listener->close();
  }
  for (auto& socket : udp_sockets_)
    socket->close();
  if (address_watch_) address_watch_->close();
}

std::size_t Network::drain_idle() {
  update_now();
  std::size_t left = 0;
  for_each_connection([&](Connection& connection) {
    bool busy = true;
    if ((connection.flags_ & Connection::kShutDown) != 0) {
      // Everything has been said; the peer gets a moment to say that it has heard.
      busy = now_ - connection.stalled_tick_ < kSecond;
    } else if ((connection.flags_ & Connection::kHandshaking) != 0) {
      busy = false;
    } else if (!connection.ending()) {
      run_callback(connection,
                   [&](StreamHandler& handler) { busy = handler.on_drain(connection); });
    }
    if (!busy) connection.close(CloseReason::kDrain);
    if ((connection.flags_ & Connection::kClosing) == 0) ++left;
  });
  turn_.request();
  return left;
}

void Network::close_all(CloseReason reason) {
  for_each_connection([&](Connection& connection) { connection.close(reason); });
  turn_.request();
}

std::vector<Network::Totals> Network::totals() {
  std::vector<Totals> sums;
  sums.reserve(sources_.size());
  for (const ConnectionSource* source : sources_)
    sums.push_back({source->bytes_in(), source->bytes_out()});
  table_.for_each([&](const Connection& connection) {
    if ((connection.flags_ & Connection::kFolded) != 0) return;
    sums[connection.source_].bytes_in += connection.bytes_in_;
    sums[connection.source_].bytes_out += connection.bytes_out_;
  });
  return sums;
}

// --- the end of a turn ---------------------------------------------------------------------------

void Network::update_now() {
  const std::uint64_t ms = loop_.now_ms();
  if (ms == now_ms_) return;
  now_ms_ = ms;
  now_ =
      1 + static_cast<Tick>((ms - origin_ms_) * 1000 / static_cast<std::uint64_t>(kTick.count()));
}

bool Network::end_of_turn() noexcept {
  update_now();
  handshake_steps_ = 0;
  advance_wheel();
  for (int round = 0; round < kMostRounds && has_work(); ++round) {
    dialing_now_.swap(dialing_);
    for (Dialer* dialer : dialing_now_)
      dialer->settle();
    dialing_now_.clear();
    closing_now_.swap(closing_);
    for (const ConnectionId id : closing_now_)
      deliver_close(table_.at(id.index));
    closing_now_.clear();
    dirty_now_.swap(dirty_);
    for (const ConnectionId id : dirty_now_) {
      if (Connection* connection = table_.find(id)) work_off(*connection, round);
    }
    dirty_now_.clear();
  }
  dirty_.insert(dirty_.end(), dirty_next_turn_.begin(), dirty_next_turn_.end());
  dirty_next_turn_.clear();
  for (const ConnectionId id : rearm_) {
    if (Connection* connection = table_.find(id)) apply_interest(*connection);
  }
  rearm_.clear();
  if (queues_.take_over()) shed_queues();
  shed_services();
  if (memory_.look(now_ms_)) relieve_memory();
  if (room_made_) resume_waiting();
  if (answer_times_.waits()) settle_answer_times();
  arm_wheel_timer();
  last_turn_ms_ = now_ms_;
  return stalled_ || has_work();
}

void Network::settle_answer_times() {
  answer_times_.settle([this](ConnectionId id) {
    const Connection* connection = table_.find(id);
    if (connection == nullptr) return AnswerTimes::Left::kGone;
    return connection->queued_bytes() == 0 ? AnswerTimes::Left::kYes : AnswerTimes::Left::kNotYet;
  });
}

bool Network::has_work() const {
  return !dirty_.empty() || !closing_.empty() || !dialing_.empty();
}

void Network::mark_dirty(Connection& connection) {
  if ((connection.flags_ & (Connection::kDirty | Connection::kClosing)) != 0) return;
  connection.flags_ |= Connection::kDirty;
  dirty_.push_back(connection.id());
}

void Network::work_off(Connection& connection, int round) {
  connection.flags_ &= ~Connection::kDirty;
  if ((connection.flags_ & Connection::kOwesWritable) != 0 && round > 0) {
    // Once a turn: a peer that reads as fast as it is written to must not keep the others waiting.
    connection.flags_ |= Connection::kDirty;
    dirty_next_turn_.push_back(connection.id());
  } else if ((connection.flags_ & Connection::kOwesWritable) != 0) {
    connection.flags_ &= ~Connection::kOwesWritable;
    if (!connection.ending() && (connection.flags_ & Connection::kHandshaking) == 0) {
      run_callback(connection, [&](StreamHandler& handler) { handler.on_writable(connection); });
    }
  }
  if ((connection.flags_ & Connection::kStaged) != 0) deliver_held(connection);
  note_held(connection);
  flush(connection);
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  advance_finish(connection);
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  const std::uint8_t wanted = wanted_interest(connection);
  const bool unwatched = wanted == kNoInterest && (connection.flags_ & Connection::kUnwatched) == 0;
  if ((wanted != connection.armed_ || unwatched) && (connection.flags_ & Connection::kRearm) == 0) {
    connection.flags_ |= Connection::kRearm;
    rearm_.push_back(connection.id());
  }
}

std::uint8_t Network::wanted_interest(const Connection& connection) const {
  const std::uint32_t flags = connection.flags_;
  std::uint8_t wanted = kNoInterest;
  if ((flags & Connection::kWriteBlocked) != 0) wanted |= kWritable;
  if (!reads(connection)) return wanted;
  const bool holds = (flags & Connection::kStaged) != 0 &&
                     ((flags & Connection::kEndHeld) != 0 || !stages_of(connection).held.empty());
  if (!holds || (flags & Connection::kShutDown) != 0) wanted |= kReadable;
  return wanted;
}

// Stages may have told the peer's end before its socket does.
bool Network::has_read_fin(const Connection& connection) {
  const bool staged = (connection.flags_ & Connection::kStaged) != 0;
  return (connection.flags_ & (staged ? Connection::kFinRead : Connection::kPeerFinished)) != 0;
}

// Whether what comes in is wanted now.
bool Network::reads(const Connection& connection) const {
  const std::uint32_t flags = connection.flags_;
  const bool lingering = (flags & Connection::kShutDown) != 0;
  const bool heard_all =
      lingering ? has_read_fin(connection) : (flags & Connection::kPeerFinished) != 0;
  // Between finish() and our FIN nothing is read: it would be dropped before the answer is out.
  const bool flushing_last = (flags & Connection::kFinishing) != 0 && !lingering;
  const bool paused =
      (flags & Connection::kPausedByService) != 0 ||
      ((flags & Connection::kOverHigh) != 0 &&
       connection.source().policy().slow_reader == StreamPolicy::SlowReader::kPause);
  return !heard_all && !flushing_last && (lingering || !paused);
}

void Network::apply_interest(Connection& connection) {
  static constexpr PollOperations kOperations = {
      [](PollHandle& handle, std::uint8_t events) noexcept {
        auto& connection_ = static_cast<Connection&>(handle);
        connection_.network().ready(connection_, events);
      },
      [](PollHandle& handle) noexcept {
        auto& connection_ = static_cast<Connection&>(handle);
        Network& network = connection_.network();
        network.poll_handle_closed();
        if ((connection_.flags_ & Connection::kClosed) != 0) {
          network.release(connection_);
        } else {
          connection_.flags_ |= Connection::kClosed;
        }
      }};
  connection.flags_ &= ~Connection::kRearm;
  const std::uint8_t wanted = wanted_interest(connection);
  if (wanted == kNoInterest && (connection.flags_ & Connection::kUnwatched) == 0) {
    // epoll tells nothing of a socket nobody waits for: the sweep looks whether its peer is gone.
    connection.flags_ |= Connection::kUnwatched;
    unwatched_.push_back(connection.id());
    if (!sweep_timer_.active()) sweep_timer_.start(kSweepEvery);
  }
  if (wanted == connection.armed_) return;
  if ((connection.flags_ & Connection::kPolled) == 0) {
    if (!poller_.open(connection, connection.fd_, kOperations)) {
      retire(connection, CloseReason::kDescriptorLimit);
      return;
    }
    connection.flags_ |= Connection::kPolled;
    poll_handle_opened();
  }
  poller_.set(connection, wanted);
  connection.armed_ = wanted;
}

// Of a connection nobody waits for. Bytes that lie unread are not lost with a peer that has said
// all: only where nothing is left to read is a hang-up (both directions over, and not by our own
// FIN) the end.
bool Network::has_died(const Connection& connection) {
  const std::ptrdiff_t waiting = sock::peek(connection.fd_);
  if (waiting < 0 && waiting != -EAGAIN) return true;
  const sock::Hangup hangup = sock::hangup(connection.fd_);
  if (hangup == sock::Hangup::kError) return true;
  return hangup == sock::Hangup::kBoth && waiting <= 0 &&
         (connection.flags_ & Connection::kFinSent) == 0;
}

void Network::sweep_unwatched() {
  unwatched_now_.swap(unwatched_);
  for (const ConnectionId id : unwatched_now_) {
    Connection* connection = table_.find(id);
    if (connection == nullptr) continue;
    if (connection->armed_ != kNoInterest) {
      connection->flags_ &= ~Connection::kUnwatched;
      continue;
    }
    if (has_died(*connection)) {
      retire(*connection, CloseReason::kResetByPeer);
    } else {
      unwatched_.push_back(id);
    }
  }
  unwatched_now_.clear();
  if (!unwatched_.empty()) sweep_timer_.start(kSweepEvery);
}

}  // namespace polyport
