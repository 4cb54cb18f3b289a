// ClientSocket: the socket of a command that connects somewhere, without an event loop.
//
// It owns its descriptor, which never blocks; only connect waits, and never past its deadline.
// Errors are errno values, 0 where there is none: what one of them means depends on the step at
// which it came, so the words for it belong to the command. A server's sockets live in core/net.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

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

  // What transforms the bytes on their way, TLS for example.
  class Layer {
   public:
    virtual ~Layer() = default;
    // As those of the socket. A receive of no bytes and no error is the end of the other side.
    virtual Transfer receive(std::span<char> buffer) = 0;
    virtual Transfer send(Bytes bytes) = 0;
    virtual void finish_sending() = 0;  // the last word before our FIN
    // receive() has some at once, although the descriptor may have none.
    virtual bool has_more() const = 0;
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

  // From now on bytes go through it; the socket must be connected.
  void use(std::unique_ptr<Layer> layer) { layer_ = std::move(layer); }
  bool has_more() const { return layer_ && layer_->has_more(); }

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
  int fd_ = -1;
  std::unique_ptr<Layer> layer_;
};

}  // namespace polyport
