// The life of a connection from accept to release: Network's part that reads, writes and ends.
#include <algorithm>
#include <cerrno>
#include <exception>
#include <functional>
#include <utility>

#include "core/base/assert.h"
#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {
constexpr int kMostReadsAfterError = 64;
constexpr int kMostWritesPerFlush = 16;
constexpr std::size_t kPiecesPerWrite = 64;
}  // namespace

// --- coming --------------------------------------------------------------------------------------

void Network::open(ConnectionSource& source, int fd, const Address& peer, void* session) {
  Connection& connection = table_.allocate();
  connection.fd_ = fd;
  connection.source_ = source.number();
  connection.session_ = session;
  connection.peer_ip_ = peer.ip;
  connection.peer_port_ = peer.port;
  connection.peer_family_ = peer.family;
  connection.opened_tick_ = connection.active_tick_ = now_;
  if (source.policy().memory != nullptr) connection.flags_ |= Connection::kMetered;
  ++source.active_;
  tell_opened(connection);
  if (source.stages().empty()) {
    run_callback(connection, [&](StreamHandler& handler) { handler.on_open(connection); });
  } else {
    open_staged(connection);
  }
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  // Where the client speaks first its bytes are most often here already.
  const bool speaks_first =
      source.policy().client_speaks_first || (connection.flags_ & Connection::kHandshaking) != 0;
  if (speaks_first && (wanted_interest(connection) & kReadable) != 0) read_once(connection);
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  schedule(connection);
  mark_dirty(connection);
}

void Network::ready(Connection& connection, std::uint8_t events) {
  update_now();
  if ((events & kPollError) != 0) {
    connection.armed_ = kNoInterest;  // libuv has stopped the handle
    read_after_error(connection);
    return;
  }
  if ((events & kWritable) != 0) {
    connection.flags_ &= ~Connection::kWriteBlocked;
    flush(connection);
    if ((connection.flags_ & Connection::kClosing) != 0) return;
    advance_finish(connection);
    mark_dirty(connection);
  }
  if ((events & kReadable) == 0 || (connection.flags_ & Connection::kClosing) != 0) return;
  // Interest changes at the end of the turn, so an event may come for one that has paused
  // meanwhile.
  if ((wanted_interest(connection) & kReadable) == 0) {
    mark_dirty(connection);
  } else if ((connection.flags_ & Connection::kShutDown) != 0) {
    drop_input(connection);
  } else {
    read_once(connection);
  }
}

bool Network::read_once(Connection& connection) {
  const StreamPolicy& policy = connection.source().policy();
  const bool staged = (connection.flags_ & Connection::kStaged) != 0;
  if (staged && !may_shake_hands(connection)) {
    mark_dirty(connection);  // epoll tells again what is not read now
    return false;
  }
  const std::size_t most = std::min(kReadBufferBytes, policy.read_budget);
  const std::ptrdiff_t count = sock::receive(connection.fd_, read_buffer_.get(), most);
  if (count > 0) {
    const auto size = static_cast<std::size_t>(count);
    const Bytes bytes(read_buffer_.get(), size);
    if (connection.bytes_in_ == 0 && policy.answers_any_byte && !staged) {
      note_first_bytes(connection, bytes);
    }
    connection.bytes_in_ += size;
    connection.active_tick_ = now_;
    if (staged) {
      receive_staged(connection, bytes);
    } else {
      run_callback(connection, [&](StreamHandler& handler) { handler.on_data(connection, bytes); });
    }
    return (connection.flags_ & Connection::kClosing) == 0;
  }
  if (count == 0) {
    if (staged) {
      receive_end_staged(connection);
    } else {
      deliver_end(connection);
    }
  } else if (count != -EAGAIN) {
    retire(connection, CloseReason::kResetByPeer);
  }
  return false;
}

// The kernel reported an error, and bytes that came before it may still lie there. What read()
// answers in the end is the truth about the connection.
void Network::read_after_error(Connection& connection) {
  if ((connection.flags_ & Connection::kShutDown) != 0) {
    retire(connection, connection.close_reason_);
    return;
  }
  for (int i = 0; i < kMostReadsAfterError; ++i) {
    if ((wanted_interest(connection) & kReadable) == 0) {
      retire(connection, CloseReason::kResetByPeer);
      return;
    }
    if (!read_once(connection)) break;
  }
  mark_dirty(connection);  // no error after all: watch it again
}

void Network::drop_input(Connection& connection) {
  const std::ptrdiff_t count = sock::receive(connection.fd_, read_buffer_.get(), kReadBufferBytes);
  if (count > 0) {
    const bool first = connection.bytes_in_ == 0 && (connection.flags_ & Connection::kStaged) == 0;
    if (first && connection.source().policy().answers_any_byte) {
      note_first_bytes(connection, Bytes(read_buffer_.get(), static_cast<std::size_t>(count)));
    }
    const auto units = static_cast<std::uint32_t>((count + 15) / 16);
    connection.bytes_in_ += static_cast<std::uint64_t>(count);
    connection.lingered_ =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(connection.lingered_ + units, 0xffff));
    if (connection.lingered_ <= options_.linger_kib * 64) return;
  } else if (count == -EAGAIN) {
    return;
  }
  retire(connection, connection.close_reason_);
}

void Network::deliver_end(Connection& connection) {
  connection.flags_ |= Connection::kPeerFinished;
  mark_dirty(connection);
  run_callback(connection, [&](StreamHandler& handler) { handler.on_end(connection); });
}

// --- going out -----------------------------------------------------------------------------------

void Network::send(Connection& connection, Bytes bytes) {
  if (bytes.empty() || connection.has_finished_sending() || connection.ending()) return;
  if (current_ != &connection || is_backed_up(connection)) {
    enqueue(connection, Payload::copy(bytes));
    return;
  }
  gathered_ += bytes.size();
  const char* first = read_buffer_.get();
  const bool borrowed =
      !std::less<>()(bytes.data(), first) && std::less<>()(bytes.data(), first + kReadBufferBytes);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (borrowed ? outbox_.add_borrowed(bytes) : outbox_.add_copy(bytes)) return;
    // Too large for the scratch: offered to the kernel from where it lies, right behind the rest.
    if (!borrowed && outbox_.add_borrowed(bytes)) {
      empty_outbox(connection);
      return;
    }
    empty_outbox(connection);
    if (connection.ending() || is_backed_up(connection)) break;
  }
  gathered_ -= bytes.size();
  if (!connection.ending()) enqueue(connection, Payload::copy(bytes));
}

void Network::send(Connection& connection, Payload payload) {
  if (payload.empty() || connection.has_finished_sending() || connection.ending()) return;
  if (current_ == &connection && !is_backed_up(connection)) {
    if (outbox_.count() == Outbox::kPieces) empty_outbox(connection);
    if (connection.ending()) return;
    if (!is_backed_up(connection)) {
      outbox_.add(payload);
      gathered_ += payload.size();
      return;
    }
  }
  enqueue(connection, std::move(payload));
}

void Network::enqueue(Connection& connection, Payload payload) {
  if (connection.queue_ == nullptr) connection.queue_ = take_queue(connection);
  // Looked at before the push: one large answer is no sign of a slow reader, a second one behind it
  // is.
  if (waiting_bytes(connection) >= connection.source().policy().write_limit) {
    retire(connection, CloseReason::kSlowReader);
    return;
  }
  connection.queue_->push(std::move(payload));
  note_queue(connection);
  mark_dirty(connection);
}

void Network::drop_unsent(Connection& connection) {
  if (connection.queue_ == nullptr) return;
  connection.queue_->drop_unsent();
  if (connection.queue_->empty()) {
    queues_.give_back(connection.queue_);
    connection.queue_ = nullptr;
  }
  note_queue(connection);
}

std::size_t Network::queued_bytes(const Connection& connection) const {
  return waiting_bytes(connection) + (current_ == &connection ? gathered_ : 0);
}

// Over the high mark by what was sent; down at the low one by what the kernel has really taken.
void Network::note_queue(Connection& connection) {
  const StreamPolicy& policy = connection.source().policy();
  if (queued_bytes(connection) > policy.write_high) connection.flags_ |= Connection::kOverHigh;
  if (waiting_bytes(connection) <= policy.write_low &&
      (connection.flags_ & Connection::kOverHigh) != 0 && outbox_.empty()) {
    connection.flags_ &= ~Connection::kOverHigh;
    connection.flags_ |= Connection::kOwesWritable;
    mark_dirty(connection);
  }
}

bool Network::write(Connection& connection, const iovec* pieces, std::size_t count,
                    std::size_t bytes, std::size_t& taken) {
  taken = 0;
  const std::ptrdiff_t result = sock::send(connection.fd_, pieces, count);
  if (result < 0 && result != -EAGAIN) return false;
  if (result > 0) {
    taken = static_cast<std::size_t>(result);
    connection.bytes_out_ += taken;
    connection.active_tick_ = now_;
  }
  if (taken < bytes) {
    connection.flags_ |= Connection::kWriteBlocked;
    connection.stalled_tick_ = now_;
    schedule(connection);
    mark_dirty(connection);
  }
  return true;
}

void Network::empty_outbox(Connection& connection) {
  if (outbox_.empty()) return;
  if ((connection.flags_ & Connection::kStaged) != 0) return empty_outbox_staged(connection);
  std::size_t taken = 0;
  const bool alive = (connection.flags_ & Connection::kClosing) == 0 &&
                     write(connection, outbox_.pieces(), outbox_.count(), outbox_.bytes(), taken);
  outbox_.empty_into(alive ? taken : outbox_.bytes(), [&](Payload rest, bool cut) {
    if (connection.queue_ == nullptr) connection.queue_ = take_queue(connection);
    gathered_ -= rest.size();
    if (cut) {
      connection.queue_->push_rest(std::move(rest));
    } else {
      connection.queue_->push(std::move(rest));
    }
  });
  if (!alive) {
    retire(connection, CloseReason::kResetByPeer);
  } else if (connection.queue_ != nullptr) {
    mark_dirty(connection);
  }
}

bool Network::flush_queue(Connection& connection, WriteQueue*& queue) {
  iovec pieces[kPiecesPerWrite];
  const std::size_t count = queue->pieces(pieces, kPiecesPerWrite);
  std::size_t bytes = 0;
  for (std::size_t piece = 0; piece < count; ++piece)
    bytes += pieces[piece].iov_len;
  std::size_t taken = 0;
  if (!write(connection, pieces, count, bytes, taken)) {
    retire(connection, CloseReason::kResetByPeer);
    return false;
  }
  queue->consume(taken);
  if (queue->empty()) queues_.give_back(std::exchange(queue, nullptr));
  return true;
}

void Network::flush(Connection& connection) {
  if ((connection.flags_ & Connection::kStaged) != 0) return flush_staged(connection);
  for (int i = 0; i < kMostWritesPerFlush && connection.queue_ != nullptr; ++i) {
    if ((connection.flags_ & (Connection::kWriteBlocked | Connection::kClosing)) != 0) break;
    if (!flush_queue(connection, connection.queue_)) return;
  }
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  note_queue(connection);
  if (connection.queue_ != nullptr && (connection.flags_ & Connection::kWriteBlocked) == 0) {
    mark_dirty(connection);  // the others first, then the rest of it
  }
}

// --- ending --------------------------------------------------------------------------------------

void Network::advance_finish(Connection& connection) {
  const std::uint32_t flags = connection.flags_;
  if (!connection.has_finished_sending() ||
      (flags & (Connection::kShutDown | Connection::kClosing)) != 0 || is_backed_up(connection) ||
      current_ == &connection || !say_goodbye(connection)) {
    return;
  }
  if ((flags & Connection::kFinishing) == 0) {
    advance_half(connection);
    return;
  }
  if ((flags & Connection::kSkipLinger) != 0 || has_read_fin(connection)) {
    retire(connection, connection.close_reason_);
    return;
  }
  if ((flags & Connection::kFinSent) == 0) sock::shutdown_write(connection.fd_);
  connection.flags_ |= Connection::kShutDown;
  connection.stalled_tick_ = now_;
  schedule(connection);
  mark_dirty(connection);
}

// finish_sending(), with nothing left to send. The second of the two FINs ends the connection.
void Network::advance_half(Connection& connection) {
  const bool sent_before = (connection.flags_ & Connection::kFinSent) != 0;
  const bool heard_all = (connection.flags_ & Connection::kPeerFinished) != 0;
  if (heard_all) {
    retire(connection, sent_before ? CloseReason::kFinished : CloseReason::kPeerClosed);
  } else if (!sent_before) {
    sock::shutdown_write(connection.fd_);
    connection.flags_ |= Connection::kFinSent;
  }
}

void Network::retire(Connection& connection, CloseReason reason) {
  if ((connection.flags_ & Connection::kClosing) != 0) return;
  connection.flags_ |= Connection::kClosing;
  connection.close_reason_ = reason;
  wheel_.remove(connection);
  if ((connection.flags_ & Connection::kPolled) != 0) {
    poller_.close(connection, connection.fd_);
  } else {
    sock::close(connection.fd_);
  }
  connection.fd_ = -1;
  if (connection.queue_ != nullptr) {
    queues_.give_back(connection.queue_);
    connection.queue_ = nullptr;
  }
  if ((connection.flags_ & Connection::kStaged) != 0) drop_wire(connection);
  note_held(connection);
  closing_.push_back(connection.id());
}

void Network::deliver_close(Connection& connection) {
  ConnectionSource& source = connection.source();
  try {
    if ((connection.flags_ & Connection::kHandshaking) == 0)
      connection.handler().on_close(connection, connection.close_reason_);
  } catch (const std::exception& error) {
    log_.error({.event = "service_error",
                .message = error.what(),
                .service = source.service(),
                .listener = source.id()});
  } catch (...) {
    log_.error({.event = "service_error",
                .message = "an exception of no known type",
                .service = source.service(),
                .listener = source.id()});
  }
  delete std::exchange(connection.extras_, nullptr);
  source.bytes_in_ += connection.bytes_in_;
  source.bytes_out_ += connection.bytes_out_;
  connection.flags_ |= Connection::kFolded;
  --source.active_;
  source.ended(connection, connection.close_reason_);
  tell_closed(connection);
  if ((connection.flags_ & Connection::kPolled) == 0 ||
      (connection.flags_ & Connection::kClosed) != 0) {
    release(connection);
  } else {
    connection.flags_ |= Connection::kClosed;
  }
}

void Network::release(Connection& connection) {
  table_.release(connection);
  note_room();
}

}  // namespace polyport
