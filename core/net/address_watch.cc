#include "core/net/address_watch.h"

#include <array>

#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

AddressWatch::AddressWatch(Network& network, std::function<void()> on_change)
    : network_(network), on_change_(std::move(on_change)) {}

bool AddressWatch::start() {
  static constexpr PollOperations kOperations = {
      [](PollHandle& handle, std::uint8_t) noexcept { of(handle).ready(); },
      [](PollHandle& handle) noexcept { of(handle).network_.poll_handle_closed(); }};
  fd_ = sock::open_address_watch();
  if (fd_ < 0) return false;
  if (!network_.poller_.open(*this, fd_, kOperations)) {
    sock::close(fd_);
    fd_ = -1;
    return false;
  }
  network_.poll_handle_opened();
  network_.poller_.set(*this, kReadable);
  return true;
}

void AddressWatch::close() {
  if (fd_ < 0) return;
  const sock::Untraced quiet;  // no port's socket
  network_.poller_.close(*this, fd_);
  fd_ = -1;
}

void AddressWatch::ready() {
  constexpr int kMostReads = 64;  // the rest makes it ready again
  std::array<char, 8'192> messages;
  std::ptrdiff_t result = 1;
  // -ENOBUFS: some were lost. Something has changed in any case.
  for (int i = 0; i < kMostReads && (result > 0 || result == -ENOBUFS); ++i)
    result = sock::receive(fd_, messages.data(), messages.size());
  network_.poller_.set(*this, kReadable);  // an error (the lost messages) stops the watch
  on_change_();
}

}  // namespace polyport
