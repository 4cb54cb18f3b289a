// The exchange of datagrams, driven by poll(2).
#include "app/commands/connect/datagram_copy.h"

#include <algorithm>
#include <cerrno>
#include <vector>

namespace polyport {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLongestDatagram = 65'507;  // 65535 less the headers of IPv4 and UDP

// How many bytes of `typed` the next datagram takes; 0 while its line is not complete.
std::size_t datagram_length(const std::string& typed, bool input_ended) {
  const std::size_t line_feed = typed.find('\n');
  const std::size_t line = line_feed == std::string::npos ? typed.size() : line_feed + 1;
  if (line >= kLongestDatagram) return kLongestDatagram;
  return line_feed == std::string::npos && !input_ended ? 0 : line;
}

}  // namespace

DatagramEnding DatagramCopy::run() {
  empty_due_ = Input::is_terminal();
  while (!over_) {
    if (input_.ended() && !has_datagram()) {
      if (ending_.datagrams_out == 0) {
        empty_due_ = true;
      } else if (!deadline_ && answer_time_) {
        deadline_ = Clock::now() + *answer_time_;
      }
    }
    int timeout = -1;
    if (deadline_) {
      const auto left = std::chrono::ceil<milliseconds>(*deadline_ - Clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
    }
    Watch watch = interests();
    const int ready = ::poll(watch.data(), watch.size(), timeout);
    if (ready > 0) move(watch);
    const bool time_over = deadline_ && Clock::now() >= *deadline_;
    if (time_over && !output_.pending()) end(DatagramEnding::Cause::kTimeOver);
  }
  if (answer_time_) ending_.waited = *answer_time_;
  return ending_;
}

bool DatagramCopy::has_datagram() const {
  return empty_due_ || datagram_length(typed_, input_.ended()) > 0;
}

DatagramCopy::Watch DatagramCopy::interests() const {
  const auto socket_events =
      static_cast<short>((output_.pending() ? 0 : POLLIN) | (has_datagram() ? POLLOUT : 0));
  const auto output_events = static_cast<short>(output_.pending() ? POLLOUT : 0);
  return {{{interrupt_.descriptor(), POLLIN, 0},
           {has_datagram() ? -1 : input_.descriptor(), POLLIN, 0},
           {socket_events != 0 ? socket_.descriptor() : -1, socket_events, 0},
           {Output::descriptor(), output_events, 0}}};
}

void DatagramCopy::move(const Watch& ready) {
  constexpr int kGone = POLLERR | POLLHUP | POLLNVAL;
  if (ready[kInterrupt].revents != 0) return end(DatagramEnding::Cause::kInterrupted);
  if ((ready[kOutput].revents & POLLOUT) != 0) output_.write_some();
  if ((ready[kOutput].revents & kGone) != 0) output_.set_error(EPIPE);
  if (output_.error() != 0) return end(DatagramEnding::Cause::kOutputGone, output_.error());
  if ((ready[kSocket].revents & (POLLIN | kGone)) != 0) receive();
  if ((ready[kSocket].revents & POLLOUT) != 0) send();
  if (ready[kInput].revents != 0) input_.read_into(typed_);
}

void DatagramCopy::send() {
  const std::size_t length = empty_due_ ? 0 : datagram_length(typed_, input_.ended());
  const auto sent = socket_.send(Bytes(typed_).substr(0, length));
  if (sent.must_wait() || over_) return;
  if (sent.error != 0) return end(DatagramEnding::Cause::kBroken, sent.error);
  if (!empty_due_) typed_.erase(0, length);
  empty_due_ = false;
  ++ending_.datagrams_out;
  ending_.bytes_out += sent.bytes;
}

void DatagramCopy::receive() {
  std::vector<char> buffer(kLongestDatagram + 1);
  const auto received = socket_.receive(buffer);
  if (received.must_wait()) return;
  if (received.error != 0) return end(DatagramEnding::Cause::kBroken, received.error);
  const Bytes bytes(buffer.data(), received.bytes);
  ++ending_.datagrams_in;
  ending_.bytes_in += bytes.size();
  first_bytes_ += bytes.substr(0, 5 - std::min<std::size_t>(5, first_bytes_.size()));
  output_.add(bytes);
  output_.pause();  // a datagram never continues in the next
}

void DatagramCopy::end(DatagramEnding::Cause cause, int error) {
  ending_.cause = cause;
  ending_.error = error;
  over_ = true;
}

}  // namespace polyport
