#include "core/net/udp_client.h"

#include <cerrno>
#include <exception>
#include <utility>

#include "core/net/network.h"
#include "core/socket/socket.h"

namespace polyport {

UdpClient* Network::open_udp_client(UdpClientHandler& handler, const UdpClientRequest& request,
                                    int& error) {
  auto* client = new UdpClient(*this, handler, request);
  error = has_descriptor_for_dial() ? client->open(request) : EMFILE;
  if (error != 0) {
    if (client->fd_ >= 0) sock::close(client->fd_);
    delete client;
    return nullptr;
  }
  client->number_ = udp_clients_.size();
  udp_clients_.push_back(client);
  return client;
}

int UdpClient::open(const UdpClientRequest& request) {
  static constexpr PollOperations kOperations = {
      [](PollHandle& handle, std::uint8_t events) noexcept {
        UdpClient& client = of(handle);
        client.ready();
        // An error (the peer's port is closed) stops the watch, not the socket.
        if ((events & kPollError) != 0 && client.fd_ >= 0) {
          client.network_.poller_.set(client, kReadable);
        }
      },
      [](PollHandle& handle) noexcept {
        UdpClient& client = of(handle);
        client.network_.poll_handle_closed();
        delete &client;
      }};
  fd_ = sock::open_datagram(peer_.family);
  if (fd_ < 0) return -fd_;
  if (request.source) {
    if (request.source->port == 0) sock::set_option(fd_, sock::Option::kBindAddressNoPort, 1);
    if (const int result = sock::bind(fd_, *request.source); result < 0) return -result;
  }
  if (const int result = sock::connect(fd_, peer_); result < 0) return -result;
  Address local;
  if (request.hops > 0 && sock::local_address(fd_, local) == 0) {
    network_.hops().note(local, peer_, request.hops, network_.loop().now_ms());
  }
  if (!network_.poller_.open(*this, fd_, kOperations)) return errno;
  network_.poll_handle_opened();
  network_.poller_.set(*this, kReadable);
  return 0;
}

void UdpClient::close() {
  if (fd_ < 0) return;
  auto& all = network_.udp_clients_;
  all.back()->number_ = number_;
  std::swap(all[number_], all.back());
  all.pop_back();
  network_.poller_.close(*this, std::exchange(fd_, -1));
  network_.note_room();
}

int UdpClient::send(Bytes bytes) {
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  const std::ptrdiff_t sent = sock::send(fd_, &piece, 1);
  return sent < 0 ? static_cast<int>(-sent) : 0;
}

void UdpClient::ready() {
  network_.update_now();
  for (int i = 0; i < kDatagramsPerWake && fd_ >= 0; ++i) {
    const std::ptrdiff_t count =
        sock::receive(fd_, network_.read_buffer_.get(), Network::kReadBufferBytes);
    if (count == -EAGAIN) return;
    try {
      if (count < 0) {
        handler_.on_error(*this, static_cast<int>(-count));
      } else {
        handler_.on_answer(*this,
                           Bytes(network_.read_buffer_.get(), static_cast<std::size_t>(count)));
      }
    } catch (const std::exception& error) {
      network_.log_.error({.event = "service_error", .message = error.what()});
    } catch (...) {
      network_.log_.error({.event = "service_error", .message = "an exception of no known type"});
    }
  }
}

}  // namespace polyport
