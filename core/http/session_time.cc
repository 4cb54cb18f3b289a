// Session's deadlines: one at a time, and which one says where the message stands.
#include "core/http/server.h"
#include "core/http/session.h"

namespace polyport::http {

void Session::arm_deadline() {
  const ServerOptions& options = server_.options_;
  const bool waits_for_peer = !paused_ && !congested();
  const auto start = [this](std::chrono::milliseconds after, CloseReason reason) {
    if (after.count() > 0) {
      connection_->set_deadline(after, reason);
    } else {
      connection_->clear_deadline();
    }
  };
  if (phase_ == Phase::kHead && !head_.empty() && waits_for_peer) {
    if (deadline_ == Deadline::kHeader) return;
    deadline_ = Deadline::kHeader;
    if (connection_->requests() == 0) return;  // it has been running since the accept
    start(options.header_timeout, CloseReason::kHeaderTimeout);
  } else if (phase_ == Phase::kBody && waits_for_peer) {
    if (deadline_ == Deadline::kBody) return;
    deadline_ = Deadline::kBody;
    mark_ = connection_->age();
    since_mark_ = 0;
    start(options.body_timeout, CloseReason::kBodyTimeout);
  } else if (idle()) {
    deadline_ = Deadline::kOther;
    if (connection_->requests() == 0) return;
    start(options.keepalive_timeout, CloseReason::kIdleTimeout);
  } else {
    deadline_ = Deadline::kOther;
    connection_->clear_deadline();
  }
}

// body_timeout is the longest time below the rate: it begins anew whenever the bytes since the last
// mark were enough for the time since then.
void Session::watch_body_rate(std::size_t received) {
  if (deadline_ != Deadline::kBody || server_.options_.body_timeout.count() == 0) return;
  since_mark_ += received;
  const std::chrono::milliseconds now = connection_->age();
  const auto elapsed_ms = static_cast<std::uint64_t>((now - mark_).count());
  if (since_mark_ * 1000 < server_.options_.body_min_rate * elapsed_ms) return;
  mark_ = now;
  since_mark_ = 0;
  connection_->set_deadline(server_.options_.body_timeout, CloseReason::kBodyTimeout);
}

void Session::time_out(CloseReason reason) {
  if (reason == CloseReason::kHeaderTimeout) {
    if (in_exchange_) return;
    fail({408,
          "the head of the request did not come within header_timeout; it ends with an empty "
          "line"},
         reason);
  } else if (reason == CloseReason::kLimitMemory) {
    fail({503, "the server is short of memory, and this request held much of it; try again later"},
         reason);
  } else {
    fail({408, "the body came in slower than body_min_rate for longer than body_timeout"}, reason);
  }
}

}  // namespace polyport::http
