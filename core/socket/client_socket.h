// ClientSocket: the socket of a command that connects somewhere, without an event loop.
//
// It owns its descriptor, which never blocks; only connect waits, and never past its deadline.
// Errors are errno values, 0 where there is none: what one of them means depends on the step at
// which it came, so the words for it belong to the command. A server's sockets live in core/net.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/socket/address.h"

namespace polyport {

class ClientSocket {
 public:
  enum class Kind : std::uint8_t { kStream, kDatagram };
  using Deadline = std::chrono::steady_clock::time_point;

  // What a receive or a send came to.
  struct Transfer {
    std::size_t bytes = 0;  // of a receive: 0 without an error is the end (an empty datagram)
    int error = 0;
    bool must_wait() const;  // nothing could move now; poll() the descriptor
  };

  ClientSocket() = default;
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&& other) noexcept;
  ~ClientSocket() { close(); }

  // Replaces whatever socket was open.
  int open(Kind kind, Family family);
  // The near end. A stream gets SO_REUSEADDR, so that one port can serve several connections.
  int bind(const Address& local);
  // ETIMEDOUT once the deadline has passed. A datagram socket is only told its peer.
  int connect(const Address& peer, Deadline deadline);
  // `path` as in Endpoint; ETIMEDOUT while the accept queue stays full.
  int connect_unix(std::string_view path, Deadline deadline);

  Transfer receive(std::span<char> buffer);
  Transfer send(Bytes bytes);
  int finish_sending();  // FIN; receiving goes on
  void close();

  // The peer's FIN or RST has come, even where bytes before it are still to be received.
  bool peer_has_finished() const;
  // Received but not taken: closing with any makes the kernel send a RST.
  std::size_t unread_bytes() const;

  Address local() const;
  Address peer() const;
  int descriptor() const { return fd_; }  // to poll; negative when closed

 private:
  int wait_connected(Deadline deadline);

  int fd_ = -1;
};

}  // namespace polyport
