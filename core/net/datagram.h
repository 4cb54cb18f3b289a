// Datagram: one received UDP packet and the right to answer it.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/socket/address.h"

namespace polyport {

class UdpSocket;

// The way back to whoever sent a datagram, for an answer that comes later than its callback. Good
// for as long as the network lives.
class ReturnPath {
 public:
  const Address& peer() const { return peer_; }
  const Address& local() const { return local_; }  // where it was sent to

  // Answers from there. `credit` are the bytes that the peer has sent and that no answer has been
  // counted against: more than these is paid from the peer's allowance, as for Datagram::reply.
  // False where it could not be sent, or may not (counted by the socket).
  bool answer(Bytes bytes, std::size_t credit) const;

  friend bool operator==(const ReturnPath&, const ReturnPath&) = default;

 private:
  friend class Datagram;
  friend class UdpSocket;
  ReturnPath(UdpSocket& socket, const Address& peer, const Address& local)
      : socket_(&socket), peer_(peer), local_(local) {}
  UdpSocket* socket_;
  Address peer_;
  Address local_;
};

class Datagram {
 public:
  Bytes bytes() const { return bytes_; }  // valid until the callback returns
  const Address& peer() const { return peer_; }
  const Address& local() const {
    return local_;
  }  // the address it was sent to, as the kernel saw it

  // Answers from the address the datagram was sent to. At most one answer a datagram, at most
  // 65,507 bytes. The reply-loop and amplification guard has already refused peers that may not be
  // answered; an answer larger than the datagram is paid from the peer's allowance and may be
  // dropped (counted). The bytes are the caller's again on return.
  void reply(Bytes bytes);
  ReturnPath return_path() const { return {socket_, peer_, local_}; }

 private:
  friend class UdpSocket;
  Datagram(UdpSocket& socket, Bytes bytes, const Address& peer, const Address& local)
      : socket_(socket), bytes_(bytes), peer_(peer), local_(local) {}
  UdpSocket& socket_;
  Bytes bytes_;
  const Address& peer_;
  const Address& local_;
};

}  // namespace polyport
