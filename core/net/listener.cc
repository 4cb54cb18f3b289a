#include "core/net/listener.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/net/network.h"
#include "core/socket/networks.h"
#include "core/socket/socket.h"

namespace polyport {

namespace {

bool out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Listener::Listener(Network& network, StreamDoor& door, int fd, std::string id, std::uint16_t number)
    : ConnectionSource(Kind::kListener, door.handler, door.policy, door.service, std::move(id),
                       number),
      network_(network),
      door_(door),
      fd_(fd) {
  sock::local_address(fd, address_);
}

void Listener::start() {
  static constexpr PollOperations kOperations = {
      [](PollHandle& handle, std::uint8_t) noexcept { of(handle).ready(); },
      [](PollHandle& handle) noexcept { of(handle).network_.poll_handle_closed(); }};
  if (state_ == State::kClosed || state_ == State::kAccepting) return;
  if (!polled_) {
    if (!network_.poller_.open(*this, fd_, kOperations)) {
      network_.log_.error({.event = "listener_failed",
                           .message = std::strerror(errno),
                           .service = door_.service,
                           .listener = id()});
      return;
    }
    polled_ = true;
    network_.poll_handle_opened();
  }
  state_ = State::kAccepting;
  network_.poller_.set(*this, kReadable);
}

void Listener::stop() {
  if (state_ == State::kClosed) return;
  if (polled_) network_.poller_.set(*this, kNoInterest);
  state_ = State::kStopped;
}

void Listener::accept_backlog() {
  constexpr int kMost = 65'535;  // what a backlog can be
  for (int i = 0; i < kMost && state_ == State::kAccepting; ++i) {
    if (!accept_one()) return;
  }
}

void Listener::close() {
  if (state_ == State::kClosed) return;
  if (polled_) {
    network_.poller_.close(*this, fd_);
  } else {
    sock::close(fd_);
  }
  fd_ = -1;
  state_ = State::kClosed;
}

int Listener::accept_queue() const {
  return fd_ < 0 ? 0 : std::max(0, sock::accept_queue(fd_));
}

void Listener::ready() {
  network_.update_now();
  for (std::uint32_t i = 0; i < door_.policy.accept_budget && state_ == State::kAccepting; ++i) {
    if (!accept_one()) return;
  }
}

bool Listener::accept_one() {
  if (const auto reason = network_.lacks(door_)) return do_without(*reason);
  Address peer;
  const int fd = sock::accept(fd_, peer);
  if (fd < 0) {
    if (fd == -EAGAIN) return false;
    if (out_of_descriptors(-fd)) {
      wait_for_room(CloseReason::kDescriptorLimit);
      return false;
    }
    return true;  // that client has gone again (ECONNABORTED and its like): on to the next
  }
  if (peer.family == Family::kUnix) {
    // Counted by user, where an IP peer is counted by address.
    const std::uint32_t uid = sock::peer_uid(fd);
    std::memcpy(peer.ip.data(), &uid, sizeof uid);
  } else if (door_.access != nullptr && !door_.access->admits(peer)) {
    // Not a word, and nothing left behind.
    count_refused(CloseReason::kDenied);
    sock::arm_reset(fd);
    sock::close(fd);
    return true;
  }
  if (!admit(peer)) {
    turn_away(fd, CloseReason::kLimitAddress);
    return true;
  }
  ++accepted_;
  network_.open(*this, fd, peer);
  return true;
}

bool Listener::admit(const Address& peer) {
  if (door_.uses_reserve) return door_.admission.admit(peer);
  if (!network_.admit(peer)) return false;
  const bool admitted = door_.admission.admit(peer);
  if (admitted) {
    network_.rate_.take();
  } else {
    network_.leave(peer);
  }
  return admitted;
}

void Listener::ended(const Connection& connection, CloseReason reason) {
  ++door_.closed[static_cast<std::size_t>(reason)];
  door_.admission.leave(connection.peer());
  if (!door_.uses_reserve) network_.leave(connection.peer());
}

bool Listener::do_without(CloseReason reason) {
  using WhenFull = StreamPolicy::WhenFull;
  const WhenFull when_full = door_.policy.when_full;
  if (reason == CloseReason::kDescriptorLimit || when_full == WhenFull::kWait) {
    wait_for_room(reason);
    return false;
  }
  if (!sock::is_readable(fd_)) return false;  // nobody is there
  if (when_full == WhenFull::kRefuse) {
    Address peer;
    const int fd = sock::accept(fd_, peer);
    if (fd >= 0) turn_away(fd, reason);
    return fd >= 0;
  }
  if (reason == CloseReason::kLimitConnections && make_room()) {
    count_refused(CloseReason::kMadeRoom);
    state_ = State::kWaiting;
    network_.poller_.set(*this, kNoInterest);
    network_.wait_for_room(*this, CloseReason::kMadeRoom);
  } else {
    wait_for_room(reason);
  }
  return false;
}

bool Listener::make_room() {
  room_promised_ = network_.close_longest_idle(door_);
  return room_promised_;
}

// What has come already is read, so that closing does not turn the answer into a RST.
void Listener::turn_away(int fd, CloseReason reason) {
  count_refused(reason);
  const Bytes words =
      stages().empty() ? door_.handler.refusal(reason) : stages().front()->refusal(reason);
  if (!words.empty()) {
    sock::receive(fd, network_.read_buffer_.get(), Network::kReadBufferBytes);
    const iovec piece{const_cast<char*>(words.data()), words.size()};
    sock::send(fd, &piece, 1);
    sock::shutdown_write(fd);
  }
  sock::close(fd);
}

void Listener::count_refused(CloseReason reason) {
  constexpr std::uint64_t kBurstMs = 1'000;
  const auto index = static_cast<std::size_t>(reason);
  const bool goes_on = refused_[index] > 0 && network_.now_ms_ - refused_ms_[index] <= kBurstMs;
  ++refused_[index];
  refused_ms_[index] = network_.now_ms_;
  if (!goes_on && reason != CloseReason::kDescriptorLimit) network_.tell_limit(*this, reason);
}

void Listener::wait_for_room(CloseReason reason) {
  state_ = State::kWaiting;
  count_refused(reason);
  network_.poller_.set(*this, kNoInterest);
  network_.wait_for_room(*this, reason);
}

bool Listener::looks_again() const {
  return door_.policy.when_full == StreamPolicy::WhenFull::kCloseIdle;
}

void Listener::resume() {
  state_ = State::kAccepting;
  room_promised_ = false;
  accept_one();  // which may have to wait again
  if (state_ == State::kAccepting) network_.poller_.set(*this, kReadable);
}

}  // namespace polyport
