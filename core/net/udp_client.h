// UdpClient: one datagram socket that speaks with one peer, as a client of it.
//
// Connected, so that the kernel drops what others send to its port and tells when the peer's port
// is closed (ICMP). There is no queue: what the kernel does not take is lost, as UDP has it. Made
// by Network::open_udp_client, it stays until close(), and frees itself when libuv has given the
// poll back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/net/poller.h"
#include "core/socket/address.h"

namespace polyport {

class Network;
class UdpClient;

class UdpClientHandler {
 public:
  virtual ~UdpClientHandler() = default;
  // `bytes` are valid until the callback returns; an empty datagram has none.
  virtual void on_answer(UdpClient& client, Bytes bytes) = 0;
  // Something that was sent did not arrive: an errno. The socket can still be used, or closed here.
  virtual void on_error(UdpClient& client, int error) = 0;
};

struct UdpClientRequest {
  Address peer;
  void* session = nullptr;
  std::uint8_t hops = 0;               // see HopTable
  std::optional<Address> source = {};  // where to send from; port 0: the kernel chooses
};

class UdpClient : private PollHandle {
 public:
  UdpClient(const UdpClient&) = delete;
  UdpClient& operator=(const UdpClient&) = delete;

  // 0, or the errno for which it was not sent. ECONNREFUSED is about one that was sent before.
  int send(Bytes bytes);
  // Nobody is called any more; the object is gone soon.
  void close();

  const Address& peer() const { return peer_; }
  void* session() const { return session_; }

 private:
  friend class Network;
  static constexpr int kDatagramsPerWake = 16;

  UdpClient(Network& network, UdpClientHandler& handler, const UdpClientRequest& request)
      : network_(network), handler_(handler), peer_(request.peer), session_(request.session) {}
  ~UdpClient() = default;

  static UdpClient& of(PollHandle& handle) { return static_cast<UdpClient&>(handle); }
  // 0, or an errno.
  int open(const UdpClientRequest& request);
  void ready();

  Network& network_;
  UdpClientHandler& handler_;
  Address peer_;
  void* session_;
  int fd_ = -1;
  std::size_t number_ = 0;  // among those of the network
};

}  // namespace polyport
