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
      [](PollHandle& handle) noexcept {
        of(handle).polled_ = false;
        of(handle).network_.poll_handle_closed();
      }};
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

bool Listener::reopen(int fd) {
  if (is_open() || polled_) return false;
  std::erase(network_.waiting_, this);  // where it may stand from before
  fd_ = fd;
  sock::local_address(fd, address_);
  state_ = State::kIdle;
  return true;
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
  auto lack = network_.lacks(door_);
  const bool refuses = lack && *lack != CloseReason::kDescriptorLimit &&
                       door_.policy.when_full == StreamPolicy::WhenFull::kRefuse;
  // Goes for the new one, but not before that is known to be welcome.
  Connection* idle = nullptr;
  if (lack && !refuses) {
    if (looks_again() && !sock::is_readable(fd_)) return false;  // nobody is there
    if (looks_again() && *lack == CloseReason::kLimitConnections) {
      const auto more = network_.lacks_beside_room(door_);
      if (more) lack = more;
      if (!more) idle = network_.longest_idle(door_);
    }
    if (idle == nullptr) {
      wait_for_room(*lack);
      return false;
    }
  }
  Address peer;
  const int fd = sock::accept(fd_, peer);
  if (fd < 0) return !has_to_pause(-fd);
  if (!is_welcome(fd, peer)) return true;
  if (refuses) {
    turn_away(fd, *lack);
    return true;
  }
  if (!admit(peer)) {
    turn_away(fd, CloseReason::kLimitAddress);
    return true;
  }
  if (idle != nullptr) {
    count_refused(CloseReason::kMadeRoom);
    idle->close(CloseReason::kMadeRoom);
    network_.turn_.request();
  }
  ++accepted_;
  network_.open(*this, fd, peer);
  return true;
}

bool Listener::has_to_pause(int error) {
  if (error == EAGAIN) return true;
  if (!out_of_descriptors(error)) return false;  // that client has gone again: on to the next
  wait_for_room(CloseReason::kDescriptorLimit);
  return true;
}

bool Listener::is_welcome(int fd, Address& peer) {
  if (peer.family == Family::kUnix) {
    // Counted by user, where an IP peer is counted by address.
    const std::uint32_t uid = sock::peer_uid(fd);
    std::memcpy(peer.ip.data(), &uid, sizeof uid);
    return true;
  }
  if (door_.access == nullptr || door_.access->admits(peer)) return true;
  // Not a word, and nothing left behind.
  count_refused(CloseReason::kDenied);
  sock::arm_reset(fd);
  sock::close(fd);
  return false;
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
    network_.farewells_.add(fd);
  } else {
    sock::close(fd);
  }
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
  accept_one();  // which may have to wait again
  if (state_ == State::kAccepting) network_.poller_.set(*this, kReadable);
}

}  // namespace polyport
