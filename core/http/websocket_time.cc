// WebSocket's deadlines: silence, half messages, the closing handshake, a lifetime. The connection
// has one deadline; it is set for the earliest of them, and moving one later sets nothing: where
// the deadline comes early, it is set again.
#include <algorithm>
#include <limits>

#include "core/http/websocket.h"
#include "core/http/websocket_server.h"

namespace polyport::http {
namespace {

constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

std::uint32_t after(std::uint32_t start, std::chrono::milliseconds duration) {
  if (duration.count() == 0) return kNever;
  const auto end = std::int64_t{start} + duration.count();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(end, kNever));
}

}  // namespace

std::uint32_t WebSocket::age() const {
  return static_cast<std::uint32_t>(connection_->age().count());
}

void WebSocket::arm() {
  if (phase_ == Phase::kDone || connection_->ending()) return;
  const WebSocketOptions& options = server_.options_;
  std::uint32_t next = kNever;
  if (phase_ == Phase::kClosing) {
    if (options.close_timeout.count() > 0 || why_ == CloseReason::kDrain) next = due_;
  } else {
    if (ends_ != 0) next = ends_;
    if (pinged_) {
      if (options.pong_timeout.count() > 0) next = std::min(next, due_);
    } else {
      next = std::min(next, after(heard_, options.ping_interval));
    }
    if (timing_) next = std::min(next, after(mark_, options.message_timeout));
  }
  if (next == kNever) {
    connection_->clear_deadline();
    return;
  }
  const std::uint32_t now = age();
  connection_->set_deadline(std::chrono::milliseconds(next > now ? next - now : 0),
                            CloseReason::kIdleTimeout);
}

// A message that is half done must go on; bytes we do not read ourselves are not held against it.
void WebSocket::watch_message() {
  const bool half = phase_ == Phase::kOpen && reader_.half_done();
  if (half && !timing_) {
    mark_ = age();
    since_mark_ = 0;
    timing_ = true;
    arm();
  }
  timing_ = half;
}

void WebSocket::time_out() {
  const std::uint32_t now = age();
  if (phase_ == Phase::kClosing) {
    if (due_ <= now) {
      phase_ = Phase::kDone;
      connection_->close(why_);
      return;
    }
  } else if (ends_ != 0 && ends_ <= now) {
    close(CloseCode::kGoingAway, "the time of this connection is over", CloseReason::kFinished);
  } else {
    check_message(now);
    if (phase_ == Phase::kOpen) check_peer(now);
  }
  arm();
}

void WebSocket::check_message(std::uint32_t now) {
  const WebSocketOptions& options = server_.options_;
  if (!timing_ || now < after(mark_, options.message_timeout)) return;
  const std::uint64_t wanted = std::uint64_t{options.message_min_rate} * (now - mark_) / 1000;
  if (!stopped_ && since_mark_ < wanted) {
    fail(CloseCode::kPolicy, "the message comes in too slowly", CloseReason::kBodyTimeout);
    return;
  }
  mark_ = now;
  since_mark_ = 0;
}

void WebSocket::check_peer(std::uint32_t now) {
  const WebSocketOptions& options = server_.options_;
  if (pinged_) {
    if (options.pong_timeout.count() > 0 && due_ <= now && !stopped_) {
      fail(CloseCode::kGoingAway, "no answer to a ping", CloseReason::kIdleTimeout);
    }
    return;
  }
  if (now < after(heard_, options.ping_interval)) return;
  ping();
  pinged_ = true;
  due_ = now + static_cast<std::uint32_t>(options.pong_timeout.count());
}

}  // namespace polyport::http
