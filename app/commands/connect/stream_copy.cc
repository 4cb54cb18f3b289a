// The copying of a stream, driven by poll(2).
#include "app/commands/connect/stream_copy.h"

#include <algorithm>
#include <cerrno>

namespace polyport {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReceiveBytes = 64 * 1024;
// After an interrupt the server gets this long to close its side, so that we can tell that it did.
constexpr milliseconds kGoodbye{300};

template <class TimePoint>
int poll_timeout(const std::optional<TimePoint>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*deadline - TimePoint::clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
}

}  // namespace

Ending StreamCopy::run() {
  while (!over()) {
    Watch watch = interests();
    const auto until = deadline();
    // What TLS has decrypted already is not seen by poll().
    const bool more = (watch[kSocket].events & POLLIN) != 0 && socket_.has_more();
    int ready = ::poll(watch.data(), watch.size(), more ? 0 : poll_timeout(until));
    if (more) {
      watch[kSocket].revents = static_cast<short>(watch[kSocket].revents | POLLIN);
      ready = std::max(ready, 1);
    }
    if (ready == 0 && until && Clock::now() >= *until) give_up();
    if (ready > 0) move(watch);
  }
  if (!decided_) {
    // An error met while sending ends what was received as if it were a FIN.
    ending_.cause = ending_.error != 0            ? Ending::Cause::kBroken
                    : server_first_ || !fin_sent_ ? Ending::Cause::kServerFinished
                                                  : Ending::Cause::kWeFinished;
  }
  const bool we_end =
      ending_.cause == Ending::Cause::kInterrupted || ending_.cause == Ending::Cause::kOutputGone;
  if (we_end) say_goodbye();
  ending_.bytes_unread = socket_.unread_bytes() > 0;
  return ending_;
}

// The server's end counts only when the output has everything before it.
bool StreamCopy::over() const {
  const bool our_end = decided_ && ending_.cause != Ending::Cause::kBroken;
  const bool server_end = ending_.fin_received || decided_;
  return our_end || (server_end && !output_.pending());
}

// What has nothing to wait for is left out: poll() reports a hang-up whether it is asked or not.
StreamCopy::Watch StreamCopy::interests() const {
  const bool unsent = sent_ < to_server_.size();
  const bool receives = !ending_.fin_received && !decided_ && !output_.pending();
  const auto socket_events = static_cast<short>((receives ? POLLIN : 0) | (unsent ? POLLOUT : 0));
  const auto output_events = static_cast<short>(output_.pending() ? POLLOUT : 0);
  return {{{interrupt_.descriptor(), POLLIN, 0},
           {unsent || fin_sent_ ? -1 : input_.descriptor(), POLLIN, 0},
           {socket_events != 0 ? socket_.descriptor() : -1, socket_events, 0},
           {Output::descriptor(), output_events, 0}}};
}

// While the output is what keeps us waiting, the server is not to blame.
std::optional<StreamCopy::Clock::time_point> StreamCopy::deadline() const {
  const bool waits_for_server = fin_sent_ || sent_ < to_server_.size();
  if (!rules_.patience || rules_.at_end == AtEnd::kHold || !waits_for_server || output_.pending()) {
    return std::nullopt;
  }
  return last_progress_ + *rules_.patience;
}

void StreamCopy::move(const Watch& ready) {
  constexpr int kGone = POLLERR | POLLHUP | POLLNVAL;
  if (ready[kInterrupt].revents != 0) {
    ending_.cause = Ending::Cause::kInterrupted;
    decided_ = true;
    return;
  }
  if ((ready[kOutput].revents & POLLOUT) != 0) {
    output_.write_some();
    last_progress_ = Clock::now();
  }
  // A pipe or terminal whose other end has been closed tells so without being asked.
  if ((ready[kOutput].revents & kGone) != 0) output_.set_error(EPIPE);
  if (output_.error() != 0) {
    ending_.cause = Ending::Cause::kOutputGone;
    ending_.error = output_.error();
    decided_ = true;
    return;
  }
  if ((ready[kSocket].revents & (POLLIN | kGone)) != 0) receive();
  if ((ready[kSocket].revents & POLLOUT) != 0) send();
  if (ready[kInput].revents != 0) {
    input_.read_into(to_server_);
    last_progress_ = Clock::now();
    send();
  }
  const bool all_sent = sent_ == to_server_.size();
  if (input_.ended() && all_sent && rules_.at_end == AtEnd::kFinish) finish_sending();
}

void StreamCopy::receive() {
  if (output_.pending() || ending_.fin_received || decided_) return;
  std::array<char, kReceiveBytes> buffer;
  const auto received = socket_.receive(buffer);
  if (received.must_wait()) return;
  last_progress_ = Clock::now();
  if (received.error != 0) {
    ending_.cause = Ending::Cause::kBroken;
    ending_.error = received.error;
    decided_ = true;
  } else if (received.bytes == 0) {
    ending_.fin_received = true;
  }
  const Bytes bytes(buffer.data(), received.bytes);
  ending_.bytes_in += bytes.size();
  first_bytes_ += bytes.substr(0, 5 - std::min<std::size_t>(5, first_bytes_.size()));
  output_.add(bytes);
  if (socket_.unread_bytes() == 0) output_.pause();
}

void StreamCopy::send() {
  if (sent_ == to_server_.size()) return;
  const auto sent = socket_.send(Bytes(to_server_).substr(sent_));
  if (sent.must_wait()) return;
  last_progress_ = Clock::now();
  sent_ += sent.bytes;
  ending_.bytes_out += sent.bytes;
  if (sent.error != 0) {
    // Nothing more gets there, but what has come from there is still read to its end, where the
    // reason stands again. EPIPE: the server had closed before; that FIN is on its way to us.
    input_.end();
    to_server_.clear();
    sent_ = 0;
    server_first_ = true;
    fin_sent_ = true;
    if (sent.error != EPIPE && ending_.error == 0) ending_.error = sent.error;
  }
  if (sent_ == to_server_.size()) {
    to_server_.clear();
    sent_ = 0;
  }
}

void StreamCopy::finish_sending() {
  if (fin_sent_ || ending_.fin_received || decided_) return;
  server_first_ = socket_.peer_has_finished();
  socket_.finish_sending();
  fin_sent_ = true;
  last_progress_ = Clock::now();
}

void StreamCopy::give_up() {
  ending_.cause = fin_sent_ ? Ending::Cause::kServerSilent : Ending::Cause::kServerFull;
  ending_.waited = *rules_.patience;
  decided_ = true;
}

// Sends our FIN and waits a little for the server's, so that the last line can tell the truth.
void StreamCopy::say_goodbye() {
  if (!fin_sent_) socket_.finish_sending();
  const std::optional until = Clock::now() + kGoodbye;
  std::array<char, kReceiveBytes> buffer;
  while (!ending_.fin_received && Clock::now() < *until) {
    pollfd waiting{socket_.descriptor(), POLLIN, 0};
    if (::poll(&waiting, 1, poll_timeout(until)) <= 0) continue;
    const auto received = socket_.receive(buffer);
    if (received.must_wait()) continue;
    if (received.error != 0) return;
    if (received.bytes == 0) ending_.fin_received = true;
  }
}

}  // namespace polyport
