// Connections with stages between socket and service: Network's part that leads their bytes
// through.
//
// Bytes on their way out are transformed as late as possible, so that small sends share a record:
// what waits in the connection's queue is what the service sent, and only what the kernel then does
// not take is kept transformed, a step (64 KiB) at most. What stages pass down is gathered in one
// buffer, of one connection at a time.
#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "core/base/assert.h"
#include "core/net/network.h"

namespace polyport {

namespace {

constexpr int kMostWritesPerFlush = 16;
constexpr std::size_t kPiecesPerStep = 64;
// One step with what stages may add to it.
constexpr std::size_t kWireBytes = Stage::kStepBytes + 16 * 1024;

// Copies of the pieces from `skip` bytes on, a step at most; returns how many bytes they have.
std::size_t cut_step(const iovec* pieces, std::size_t count, std::size_t skip, iovec* out,
                     std::size_t& out_count) {
  std::size_t bytes = 0;
  out_count = 0;
  for (std::size_t i = 0; i < count && out_count < kPiecesPerStep; ++i) {
    if (skip >= pieces[i].iov_len) {
      skip -= pieces[i].iov_len;
      continue;
    }
    const std::size_t size = std::min(pieces[i].iov_len - skip, Stage::kStepBytes - bytes);
    out[out_count++] = {static_cast<char*>(pieces[i].iov_base) + skip, size};
    bytes += size;
    skip = 0;
    if (bytes == Stage::kStepBytes) break;
  }
  return bytes;
}

}  // namespace

StageSet& Network::stages_of(const Connection& connection) {
  return *connection.extras_->stages;
}

// Calls what a stage does; an exception ends the connection and not the process.
template <class Call>
void Network::run_stage(Connection& connection, Call call) {
  Connection* const outer = std::exchange(staging_, &connection);
  bool failed = false;
  try {
    call(stages_of(connection));
  } catch (const std::exception& error) {
    failed = true;
    log_.error({.event = "stage_error",
                .message = error.what(),
                .service = connection.source().service(),
                .listener = connection.source().id(),
                .conn = text(connection.id())});
  } catch (...) {
    failed = true;
  }
  staging_ = outer;
  if (failed) retire(connection, CloseReason::kServiceError);
}

// --- coming --------------------------------------------------------------------------------------

void Network::open_staged(Connection& connection) {
  if (connection.extras_ == nullptr) connection.extras_ = new ConnectionExtras;
  connection.extras_->stages = std::make_unique<StageSet>();
  connection.flags_ |= Connection::kStaged | Connection::kHandshaking;
  StageSet& stages = stages_of(connection);
  for (StageMaker* maker : connection.source().stages()) {
    std::unique_ptr<Stage> stage = maker->make();
    if (!stage) {
      retire(connection, CloseReason::kLimitMemory);
      return;
    }
    stage->connection_ = &connection;
    stage->below_ = stages.top;
    auto& place = stages.top == nullptr ? stages.bottom : stages.top->above_;
    stages.top = stage.get();
    place = std::move(stage);
  }
  connection.set_deadline(connection.source().policy().handshake_timeout,
                          CloseReason::kHandshakeTimeout);
  run_stage(connection, [](StageSet& set) { set.bottom->start(); });
  settle_staged(connection);
}

// Handshakes are dear: so many in a turn, and the others' connections come in between.
bool Network::may_shake_hands(const Connection& connection) {
  constexpr std::uint32_t kPerTurn = 64;
  return (connection.flags_ & Connection::kHandshaking) == 0 || ++handshake_steps_ <= kPerTurn;
}

void Network::receive_staged(Connection& connection, Bytes bytes) {
  run_stage(connection, [&](StageSet& set) { set.bottom->receive(bytes); });
  settle_staged(connection);
}

void Network::receive_end_staged(Connection& connection) {
  connection.flags_ |= Connection::kFinRead;
  run_stage(connection, [&](StageSet& set) { set.bottom->receive_end(); });
  end_staged(connection);  // whatever the stages say, the socket has nothing more to read
  settle_staged(connection);
}

// After stages have been called: what they passed down leaves.
void Network::settle_staged(Connection& connection) {
  flush_wire(connection);
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  note_held(connection);
  note_queue(connection);
  advance_finish(connection);
}

void Network::stages_opened(Connection& connection) {
  POLYPORT_ASSERT((connection.flags_ & Connection::kHandshaking) != 0);
  connection.flags_ &= ~Connection::kHandshaking;
  connection.clear_deadline();
  run_callback(connection, [&](StreamHandler& handler) { handler.on_open(connection); });
}

bool Network::takes_input(const Connection& connection) const {
  return stages_of(connection).held.empty() && reads(connection);
}

void Network::deliver_staged(Connection& connection, Bytes bytes) {
  POLYPORT_ASSERT((connection.flags_ & Connection::kHandshaking) == 0);
  constexpr std::uint32_t kOver = Connection::kPeerFinished | Connection::kEndHeld;
  if (connection.ending() || (connection.flags_ & kOver) != 0) return;
  if (!takes_input(connection)) {
    stages_of(connection).held += bytes;
    mark_dirty(connection);
    return;
  }
  deliver_now(connection, bytes);
}

void Network::deliver_now(Connection& connection, Bytes bytes) {
  if ((connection.flags_ & Connection::kHeard) == 0) {
    connection.flags_ |= Connection::kHeard;
    if (connection.source().policy().answers_any_byte) note_first_bytes(connection, bytes);
  }
  run_callback(connection, [&](StreamHandler& handler) { handler.on_data(connection, bytes); });
}

void Network::end_staged(Connection& connection) {
  constexpr std::uint32_t kOver = Connection::kPeerFinished | Connection::kEndHeld;
  if (connection.ending() || (connection.flags_ & kOver) != 0) return;
  if ((connection.flags_ & Connection::kHandshaking) != 0) {
    retire(connection, CloseReason::kPeerClosed);
  } else if (takes_input(connection)) {
    deliver_end(connection);
  } else {
    connection.flags_ |= Connection::kEndHeld;
    mark_dirty(connection);
  }
}

// What came while the service did not read.
void Network::deliver_held(Connection& connection) {
  StageSet& stages = stages_of(connection);
  if (!stages.held.empty() && reads(connection)) {
    const std::string bytes = std::exchange(stages.held, {});
    if (!connection.ending()) deliver_now(connection, bytes);
  }
  if ((connection.flags_ & Connection::kEndHeld) == 0 || connection.ending()) return;
  if (!takes_input(connection)) return;
  connection.flags_ &= ~Connection::kEndHeld;
  deliver_end(connection);
}

// --- going out -----------------------------------------------------------------------------------

std::size_t Network::waiting_bytes(const Connection& connection) const {
  std::size_t bytes = connection.queue_ == nullptr ? 0 : connection.queue_->bytes();
  if ((connection.flags_ & Connection::kStaged) != 0) {
    const WriteQueue* wire = stages_of(connection).wire;
    if (wire != nullptr) bytes += wire->bytes();
  }
  return bytes;
}

bool Network::is_backed_up(const Connection& connection) const {
  return connection.queue_ != nullptr ||
         ((connection.flags_ & Connection::kStaged) != 0 && stages_of(connection).wire != nullptr);
}

void Network::gather_wire(Connection& connection, const iovec* pieces, std::size_t count) {
  constexpr std::uint32_t kOver =
      Connection::kClosing | Connection::kFinSent | Connection::kShutDown;
  if ((connection.flags_ & kOver) != 0) return;
  if (wire_owner_ != &connection) {
    if (wire_owner_ != nullptr) flush_wire(*wire_owner_);
    wire_owner_ = &connection;
    if (!wire_) wire_ = std::make_unique_for_overwrite<char[]>(kWireBytes);
  }
  for (std::size_t i = 0; i < count; ++i) {
    Bytes rest{static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len};
    while (!rest.empty()) {
      if (wire_used_ == kWireBytes) {
        flush_wire(connection);
        if ((connection.flags_ & Connection::kClosing) != 0) return;
        wire_owner_ = &connection;
      }
      const std::size_t size = std::min(rest.size(), kWireBytes - wire_used_);
      std::memcpy(wire_.get() + wire_used_, rest.data(), size);
      wire_used_ += size;
      rest.remove_prefix(size);
    }
  }
  if (staging_ != &connection) mark_dirty(connection);
}

// What its stages have passed down goes to the kernel, or behind what the kernel did not take.
void Network::flush_wire(Connection& connection) {
  if (wire_owner_ != &connection) return;
  wire_owner_ = nullptr;
  const Bytes bytes(wire_.get(), std::exchange(wire_used_, 0));
  if (bytes.empty() || (connection.flags_ & Connection::kClosing) != 0) return;
  StageSet& stages = stages_of(connection);
  std::size_t taken = 0;
  if (stages.wire == nullptr) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    if (!write(connection, &piece, 1, bytes.size(), taken)) {
      retire(connection, CloseReason::kResetByPeer);
      return;
    }
  } else if (stages.wire->bytes() >= connection.source().policy().write_limit) {
    retire(connection, CloseReason::kSlowReader);
    return;
  }
  if (taken == bytes.size()) return;
  if (stages.wire == nullptr) stages.wire = take_queue(connection);
  stages.wire->push(Payload::copy(bytes.substr(taken)));
  mark_dirty(connection);
}

// One step of the pieces from `skip` bytes on through the stages. Returns how many of their bytes
// that were.
std::size_t Network::send_step(Connection& connection, const iovec* pieces, std::size_t count,
                               std::size_t skip) {
  iovec step[kPiecesPerStep];
  std::size_t step_count = 0;
  const std::size_t bytes = cut_step(pieces, count, skip, step, step_count);
  const bool at_once = staging_ != &connection;  // else whoever called its stages flushes for all
  run_stage(connection, [&](StageSet& set) { set.top->send(step, step_count); });
  if (at_once) flush_wire(connection);
  return bytes;
}

void Network::empty_outbox_staged(Connection& connection) {
  const std::size_t all = outbox_.bytes();
  std::size_t sent = 0;
  while (sent < all && (connection.flags_ & Connection::kClosing) == 0 &&
         !is_backed_up(connection)) {
    sent += send_step(connection, outbox_.pieces(), outbox_.count(), sent);
  }
  const bool alive = (connection.flags_ & Connection::kClosing) == 0;
  outbox_.empty_into(alive ? sent : all,
                     [&](Payload rest, bool) { queue_behind(connection, std::move(rest)); });
  if (is_backed_up(connection)) mark_dirty(connection);
}

void Network::queue_behind(Connection& connection, Payload rest) {
  if (connection.queue_ == nullptr) connection.queue_ = take_queue(connection);
  gathered_ -= rest.size();
  connection.queue_->push(std::move(rest));
}

void Network::flush_staged(Connection& connection) {
  constexpr std::uint32_t kStop = Connection::kWriteBlocked | Connection::kClosing;
  flush_wire(connection);
  StageSet& stages = stages_of(connection);
  for (int i = 0; i < kMostWritesPerFlush && (connection.flags_ & kStop) == 0; ++i) {
    iovec pieces[kPiecesPerStep];
    if (stages.wire != nullptr) {
      if (!flush_queue(connection, stages.wire)) return;
    } else if (connection.queue_ != nullptr) {
      const std::size_t count = connection.queue_->pieces(pieces, kPiecesPerStep);
      const std::size_t sent = send_step(connection, pieces, count, 0);
      if (connection.queue_ == nullptr) return;  // refused
      connection.queue_->consume(sent);
      if (connection.queue_->empty()) queues_.give_back(std::exchange(connection.queue_, nullptr));
    } else {
      break;
    }
  }
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  note_queue(connection);
  // The others first, then the rest of it.
  if (is_backed_up(connection) && (connection.flags_ & kStop) == 0) mark_dirty(connection);
}

// --- ending --------------------------------------------------------------------------------------

void Network::refuse_staged(Connection& connection, CloseReason reason) {
  if (connection.ending()) return;
  if (connection.queue_ != nullptr) queues_.give_back(std::exchange(connection.queue_, nullptr));
  connection.finish(Connection::Linger::kWait, reason);
}

void Network::note_handshake_failure(const Connection& connection, std::string_view why) {
  if (is_handshaking(connection)) connection.source().note_handshake_failure(connection, why);
}

// The last word of the stages, with nothing of the service left to send. False while the kernel
// does not take it all.
bool Network::say_goodbye(Connection& connection) {
  if ((connection.flags_ & Connection::kStaged) == 0) return true;
  if ((connection.flags_ & Connection::kClosing) != 0 || is_backed_up(connection)) return false;
  if ((connection.flags_ & Connection::kStagesShut) == 0) {
    connection.flags_ |= Connection::kStagesShut;
    run_stage(connection, [](StageSet& set) { set.top->shutdown(); });
  }
  flush_wire(connection);
  return (connection.flags_ & Connection::kClosing) == 0 && !is_backed_up(connection);
}

void Network::drop_wire(Connection& connection) {
  if (wire_owner_ == &connection) {
    wire_owner_ = nullptr;
    wire_used_ = 0;
  }
  StageSet& stages = stages_of(connection);
  if (stages.wire != nullptr) queues_.give_back(std::exchange(stages.wire, nullptr));
}

}  // namespace polyport
