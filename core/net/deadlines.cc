// Deadlines: Network's part that knows when each connection is due, and what happens to it then.
#include <cerrno>
#include <utility>

#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {
constexpr std::uint64_t kStallMs = 1'000;
}  // namespace

Tick Network::due(const Connection& connection, CloseReason& reason) const {
  Tick earliest = 0;
  const auto consider = [&](Tick tick, CloseReason why) {
    if (earliest == 0 || tick < earliest) {
      earliest = tick;
      reason = why;
    }
  };
  const StreamPolicy& policy = connection.source().policy();
  if ((connection.flags_ & Connection::kShutDown) != 0) {
    consider(connection.stalled_tick_ + ticks(options_.linger), connection.close_reason_);
    return earliest;
  }
  if ((connection.flags_ & Connection::kWriteBlocked) != 0 && policy.write_timeout.count() > 0) {
    consider(connection.stalled_tick_ + ticks(policy.write_timeout), CloseReason::kWriteTimeout);
  }
  if (connection.deadline_tick_ != 0) {
    consider(connection.deadline_tick_, connection.deadline_reason_);
  }
  if (policy.idle_timeout.count() > 0) {
    consider(connection.active_tick_ + ticks(policy.idle_timeout), CloseReason::kIdleTimeout);
  }
  return earliest;
}

void Network::schedule(Connection& connection) {
  CloseReason reason;
  if (const Tick tick = due(connection, reason)) wheel_.schedule(connection, tick);
}

void Network::advance_wheel() {
  const auto next = wheel_.next();
  if (!next || *next > now_) {
    stalled_ = false;
    return;
  }
  // After a stall (a stopped process, a long callback) bytes that came in time lie in the kernel
  // still: one turn of reading comes first.
  if (!stalled_ && now_ms_ - last_turn_ms_ > kStallMs) {
    stalled_ = true;
    return;
  }
  const bool after_stall = std::exchange(stalled_, false);
  wheel_.collect(now_, due_);
  for (const ConnectionId id : due_) {
    Connection* connection = table_.find(id);
    if (connection == nullptr) continue;
    CloseReason reason;
    const Tick tick = due(*connection, reason);
    if (tick == 0) continue;
    if (tick <= now_ && after_stall && has_event_coming(*connection)) {
      wheel_.schedule(*connection, now_ + 1);
      continue;
    }
    if (tick <= now_) fire(*connection, reason);
    if ((connection->flags_ & Connection::kClosing) == 0) schedule(*connection);
  }
  due_.clear();
}

// One turn of reading serves 256 connections; after a stall there may be thousands whose event is
// still on its way.
bool Network::has_event_coming(Connection& connection) const {
  if ((connection.flags_ & Connection::kWriteBlocked) != 0) {
    return sock::is_writable(connection.fd_);
  }
  return (wanted_interest(connection) & kReadable) != 0 && sock::peek(connection.fd_) != -EAGAIN;
}

void Network::fire(Connection& connection, CloseReason reason) {
  if ((connection.flags_ & Connection::kShutDown) != 0) {
    retire(connection, reason);
  } else if ((connection.flags_ & Connection::kHandshaking) != 0) {
    connection.close(reason);
  } else if (reason == CloseReason::kWriteTimeout) {
    connection.reset(reason);
  } else {
    // The one that came due is spent, the other is left alone.
    if (connection.deadline_tick_ != 0 && connection.deadline_tick_ <= now_) {
      connection.deadline_tick_ = 0;
    } else {
      connection.active_tick_ = now_;  // an idle connection that its handler keeps is idle from now
    }
    run_callback(connection,
                 [&](StreamHandler& handler) { handler.on_deadline(connection, reason); });
  }
}

void Network::arm_wheel_timer() {
  const auto next = wheel_.next();
  if (next == armed_tick_) return;
  armed_tick_ = next;
  if (!next) {
    wheel_timer_.stop();
    return;
  }
  const std::uint64_t at =
      origin_ms_ + ((*next - 1) * static_cast<std::uint64_t>(kTick.count()) + 999) / 1000;
  wheel_timer_.start(std::chrono::milliseconds(at > now_ms_ ? at - now_ms_ : 0));
}

}  // namespace polyport
