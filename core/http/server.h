// Server: HTTP/1.1 and 1.0 on the stream connections of a door, for one Handler (RFC 9110, RFC
// 9112).
//
// Serves each connection with a Session, lent while a message is half done and taken back when the
// connection is idle: an idle connection owns nothing. No HTTP/2, no TLS, no WebSocket here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/http/date.h"
#include "core/http/handler.h"
#include "core/http/head_memory.h"
#include "core/http/head_writer.h"
#include "core/http/message_parser.h"
#include "core/http/options.h"
#include "core/http/refusal.h"
#include "core/net/stream_handler.h"

namespace polyport::http {

class Session;

class Server final : public StreamHandler {
 public:
  // `handler` must outlive the server, and the server every connection it was given.
  explicit Server(Handler& handler, ServerOptions options = {});
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const ServerOptions& options() const { return options_; }
  // Sessions lent at the moment: connections with a message half done.
  std::size_t busy() const { return busy_; }
  std::uint64_t requests() const { return requests_; }  // whose head was complete, since the start

  void on_open(Connection& connection) override;
  void on_data(Connection& connection, Bytes data) override;
  void on_end(Connection& connection) override;
  void on_writable(Connection& connection) override;
  void on_close(Connection& connection, CloseReason reason) override;
  void on_deadline(Connection& connection, CloseReason reason) override;
  // Between two requests, and before the first.
  bool may_make_room(Connection& connection) override;
  std::size_t held_bytes(const Connection& connection) const override;
  Bytes refusal(CloseReason) const override { return kFullAnswer; }
  // From the first call on every answer carries "Connection: close".
  bool on_drain(Connection& connection) override;

 private:
  friend class Session;

  // More are not worth their memory: lending begins with an allocation again.
  static constexpr std::size_t kMostIdle = 64;

  Session& session_of(Connection& connection);
  // Takes the session back where the connection is idle or ending without an exchange.
  void settle(Connection& connection, Session& session);
  void take_back(Connection& connection, Session& session);
  // Ends HTTP on a connection that was upgraded.
  void hand_over(Connection& connection, Session& session);

  Handler& handler_;
  ServerOptions options_;
  MessageParser parser_;
  HeadMemory known_heads_;
  DateCache date_;
  HeadWriter heads_;
  bool draining_ = false;
  std::size_t busy_ = 0;
  std::uint64_t requests_ = 0;
  std::vector<std::unique_ptr<Session>> idle_;  // a lent one belongs to its connection
};

}  // namespace polyport::http
