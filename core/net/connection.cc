#include "core/net/connection.h"

#include "core/base/assert.h"
#include "core/net/network.h"
#include "core/net/stage.h"
#include "core/net/stream_handler.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {
int g_worker_number = 0;
}

void set_worker_number(int number) {
  g_worker_number = number;
}

std::string text(ConnectionId id) {
  return "w" + std::to_string(g_worker_number) + "-" + std::to_string(id.index) + "-" +
         std::to_string(id.generation);
}

ConnectionExtras::ConnectionExtras() = default;
ConnectionExtras::~ConnectionExtras() = default;

void StreamHandler::on_end(Connection& connection) {
  connection.finish(Connection::Linger::kWait, CloseReason::kPeerClosed);
}

void StreamHandler::on_deadline(Connection& connection, CloseReason reason) {
  connection.close(reason);
}

bool StreamHandler::may_make_room(Connection& connection) {
  return connection.queued_bytes() == 0 && connection.idle_time() >= std::chrono::seconds(1);
}

bool StreamHandler::on_drain(Connection& connection) {
  return connection.queued_bytes() > 0 || connection.idle_time() < std::chrono::seconds(1);
}

Network& Connection::network() const {
  return ConnectionTable::network_of(*this);
}

ConnectionSource& Connection::source() const {
  return network().source(source_);
}

bool Connection::is_outgoing() const {
  return source().kind() == ConnectionSource::Kind::kDialer;
}

Listener& Connection::listener() const {
  POLYPORT_ASSERT(!is_outgoing());
  return static_cast<Listener&>(source());
}

void Connection::note_wrong_protocol(Protocol protocol) const {
  network().note_wrong_protocol(*this, protocol);
}

StreamHandler& Connection::handler() const {
  if (extras_ != nullptr && extras_->handler != nullptr) return *extras_->handler;
  return source().handler();
}

void Connection::hand_over(StreamHandler& handler) {
  if (extras_ == nullptr) extras_ = new ConnectionExtras;
  extras_->handler = &handler;
}

const Stage* Connection::stages() const {
  return (flags_ & kStaged) == 0 ? nullptr : extras_->stages->bottom.get();
}

void Connection::send(Bytes bytes) {
  network().send(*this, bytes);
}

void Connection::send(Payload payload) {
  network().send(*this, std::move(payload));
}

std::size_t Connection::queued_bytes() const {
  return network().queued_bytes(*this);
}

void Connection::drop_unsent() {
  network().drop_unsent(*this);
}

void Connection::finish_sending() {
  if (ending() || (flags_ & kSendFinished) != 0) return;
  flags_ |= kSendFinished;
  network().mark_dirty(*this);
}

void Connection::finish(Linger linger, CloseReason reason) {
  if (ending()) return;
  flags_ |= kFinishing;
  if (linger == Linger::kSkip) flags_ |= kSkipLinger;
  close_reason_ = reason;
  network().mark_dirty(*this);
}

void Connection::close(CloseReason reason) {
  if ((flags_ & kClosing) != 0) return;
  Network& network_ = network();
  if (network_.current_ == this) network_.empty_outbox(*this);
  network_.flush(*this);
  network_.say_goodbye(*this);
  network_.retire(*this, reason);
}

void Connection::reset(CloseReason reason) {
  if ((flags_ & kClosing) != 0) return;
  sock::arm_reset(fd_);
  network().retire(*this, reason);
}

void Connection::pause_reading() {
  flags_ |= kPausedByService;
  network().mark_dirty(*this);
}

void Connection::resume_reading() {
  flags_ &= ~kPausedByService;
  network().mark_dirty(*this);
}

void Connection::wake() {
  if (ending()) return;
  flags_ |= kOwesWritable;
  network().mark_dirty(*this);
}

void Connection::set_deadline(std::chrono::milliseconds after, CloseReason reason) {
  if ((flags_ & kClosing) != 0) return;
  Network& network_ = network();
  const Tick due = network_.now() + ticks(after);
  if (due == deadline_tick_ && reason == deadline_reason_) return;  // it is in the wheel for it
  deadline_tick_ = due;
  deadline_reason_ = reason;
  network_.schedule(*this);
}

void Connection::clear_deadline() {
  deadline_tick_ = 0;
}

Address Connection::peer() const {
  Address address;
  address.ip = peer_ip_;
  address.port = peer_port_;
  address.family = peer_family_;
  return address;
}

Address Connection::local() const {
  const Address bound = is_outgoing() ? Address() : listener().address();
  const bool known = !is_outgoing() && !bound.is_any();
  if (known || fd_ < 0) return bound;
  Address address;
  if (sock::local_address(fd_, address) < 0) return bound;
  return address;
}

bool Connection::tcp_info(sock::TcpInfo& info) const {
  return fd_ >= 0 && sock::read_tcp_info(fd_, info) == 0;
}

std::uint8_t Connection::hops() const {
  if (peer_family_ == Family::kUnix) return sock::is_own_peer(fd_) ? 255 : 0;
  return network().hops().hops_of(peer(), local(), network().loop().now_ms());
}

std::chrono::milliseconds Connection::age() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(kTick *
                                                               (network().now() - opened_tick_));
}

std::chrono::milliseconds Connection::idle_time() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(kTick *
                                                               (network().now() - active_tick_));
}

}  // namespace polyport
