// WebSocketServer: takes WebSocket connections over from the HTTP engine, for one WebSocketHandler.
//
//   router.add("*", "/chat", [this](Exchange& exchange, const Parameters&) {
//     sockets_.upgrade(exchange);
//   }, Handler::Body::kDiscard);
//
// upgrade() answers every request: 101, or why not. From then on the connection is this server's.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/websocket.h"
#include "core/http/websocket_handshake.h"
#include "core/net/stream_handler.h"

namespace polyport::http {

struct WebSocketOptions {
  MessageLimits limits;
  MessageReader::Takes takes = MessageReader::Takes::kBoth;
  Deflate deflate = Deflate::kSingleMessages;
  // Connections that may have compression with context at the same time, up to 180 KB each; those
  // beyond have single messages.
  std::uint32_t max_contexts = 64;
  std::vector<std::string_view> protocols;  // subprotocols spoken here; they outlive the server
  // Whether a page of this origin may connect; empty: every one. `origin` is empty where the client
  // is no browser. 403 otherwise.
  std::function<bool(Bytes origin, const Request& request)> allows_origin;

  std::chrono::milliseconds ping_interval{30'000};  // of silence; 0: never, as in all of these
  std::chrono::milliseconds pong_timeout{30'000};   // for anything to come after that
  std::chrono::milliseconds close_timeout{5'000};   // for the peer's close frame
  // The longest time a message may be half done and come in slower than message_min_rate bytes a
  // second.
  std::chrono::milliseconds message_timeout{30'000};
  std::uint32_t message_min_rate = 1024;
};

// Callbacks belong to the handler, not to each connection; they run as the connection's own. One
// that throws ends its connection with 1011.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void on_open(WebSocket&) {}
  // Whole, and UTF-8 where it is text. `message` is valid until the callback returns.
  virtual void on_message(WebSocket&, MessageKind kind, Bytes message) = 0;
  virtual void on_pong(WebSocket&, [[maybe_unused]] Bytes payload) {}
  // The queue has room again. May come without need.
  virtual void on_writable(WebSocket&) {}
  // Exactly once, last, for each that was opened. Nothing can be sent any more.
  virtual void on_close(WebSocket&, const WebSocketEnd&) {}
};

class WebSocketServer final : public StreamHandler {
 public:
  // `handler` must outlive the server, and the server every connection it was given.
  explicit WebSocketServer(WebSocketHandler& handler, WebSocketOptions options = {});
  ~WebSocketServer() override;
  WebSocketServer(const WebSocketServer&) = delete;
  WebSocketServer& operator=(const WebSocketServer&) = delete;

  // Answers the exchange. True where the connection is a WebSocket now; the handler hears of it by
  // on_open. Where it is false `setup.state` is still the caller's.
  bool upgrade(Exchange& exchange) { return upgrade(exchange, {.limits = options_.limits}); }
  bool upgrade(Exchange& exchange, const WebSocketSetup& setup);

  // The WebSocket of a connection that is this server's.
  static WebSocket& of(Connection& connection) {
    return *static_cast<WebSocket*>(connection.session());
  }

  const WebSocketOptions& options() const { return options_; }
  std::size_t count() const { return count_; }
  std::size_t contexts() const { return contexts_; }

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_writable(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_deadline(Connection& connection, CloseReason reason) override;
  // Tells the peer (1001) and waits a second for it to say so too.
  bool on_drain(Connection& connection) override;
  std::size_t held_bytes(const Connection& connection) const override;

 private:
  friend class WebSocket;

  WebSocketHandler& handler_;
  WebSocketOptions options_;
  WebSocketMemory memory_;
  std::string packed_;  // a compressed message, until it is framed
  std::size_t count_ = 0;
  std::size_t contexts_ = 0;
};

}  // namespace polyport::http
