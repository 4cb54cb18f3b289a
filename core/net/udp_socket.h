// UdpSocket: one bound datagram socket. Receives and answers in batches of 16 (recvmmsg, sendmmsg),
// from the address each datagram was sent to, and lets the guard decide who is answered.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/net/datagram.h"
#include "core/net/poller.h"
#include "core/net/stream_handler.h"
#include "core/net/udp_guard.h"

namespace polyport {

class Network;
struct AccessList;

// Who answers a socket's datagrams and how; outlives the socket.
struct UdpDoor {
  std::string service;
  DatagramHandler& handler;
  UdpGuard& guard;                     // one for the whole process
  const AccessList* access = nullptr;  // as in StreamDoor
  UdpGuard::Amplification amplification = UdpGuard::Amplification::kLimit;
  bool loop_free = false;  // see UdpGuard::check_peer
};

// The memory of a batch, one for all sockets of a process. Pages are used only as datagrams fill
// them.
class UdpBuffers {
 public:
  static constexpr std::size_t kBatch = 16;
  static constexpr std::size_t kDatagramBytes = 65'536;

  UdpBuffers();
  ~UdpBuffers();
  UdpBuffers(const UdpBuffers&) = delete;
  UdpBuffers& operator=(const UdpBuffers&) = delete;

  struct Batch;
  Batch& batch();  // made on first use

 private:
  std::unique_ptr<Batch> batch_;
};

class UdpSocket : private PollHandle {
 public:
  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t send_failed = 0;     // the kernel's buffer was full, or the peer is unreachable
    std::uint64_t kernel_dropped = 0;  // SO_RXQ_OVFL: lost before we could read them
    std::array<std::uint64_t, UdpGuard::kVerdicts> refused{};
  };
  // What the two that no guard refused are called beside the names of its verdicts.
  static constexpr std::string_view kSendFailed = "send_failed";
  static constexpr std::string_view kKernelDropped = "kernel_dropped";

  // Takes over `fd`, which is bound.
  UdpSocket(Network& network, UdpDoor& door, int fd, std::string id);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  void start();
  // The object stays, for its counters.
  void close();
  // As Listener::reopen.
  bool reopen(int fd);
  bool is_open() const { return fd_ >= 0; }

  UdpDoor& door() const { return door_; }
  const std::string& id() const { return id_; }
  const Address& address() const { return address_; }
  const Counters& counters() const { return counters_; }

 private:
  friend class Datagram;
  friend class Network;
  friend class ReturnPath;

  static UdpSocket& of(PollHandle& handle) { return static_cast<UdpSocket&>(handle); }
  void ready();
  bool receive_batch();  // false where the socket is empty
  void serve(UdpBuffers::Batch& batch, std::size_t index);
  void reply(Datagram& datagram, Bytes bytes);
  bool answer(const ReturnPath& to, Bytes bytes, std::size_t credit);
  void send_replies(UdpBuffers::Batch& batch);

  Network& network_;
  UdpDoor& door_;
  std::string id_;
  Address address_;
  int fd_;
  bool polled_ = false;
  bool answered_ = false;  // the datagram being served
  Counters counters_;
};

}  // namespace polyport
