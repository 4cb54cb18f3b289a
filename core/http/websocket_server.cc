#include "core/http/websocket_server.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace polyport::http {
namespace {

constexpr Bytes kForeignOrigin = "pages of this origin may not open a WebSocket here";

}  // namespace

WebSocketServer::WebSocketServer(WebSocketHandler& handler, WebSocketOptions options)
    : handler_(handler), options_(std::move(options)) {
  POLYPORT_ASSERT(options_.protocols.size() < WebSocket::kNoProtocol);
}

WebSocketServer::~WebSocketServer() {
  POLYPORT_ASSERT(count_ == 0);
}

bool WebSocketServer::upgrade(Exchange& exchange, const WebSocketSetup& setup) {
  const Request& request = exchange.request();
  Deflate deflate = options_.deflate;
  if (deflate == Deflate::kContext && contexts_ >= options_.max_contexts) {
    deflate = Deflate::kSingleMessages;
  }
  const WebSocketHandshake handshake =
      check_websocket_handshake(request, options_.protocols, deflate);
  if (handshake.status != 101) {
    exchange.respond_error(handshake.status, handshake.detail, websocket_refusal_headers());
    return false;
  }
  if (options_.allows_origin && !options_.allows_origin(request.value("Origin"), request)) {
    exchange.respond_error(403, kForeignOrigin);
    return false;
  }
  std::vector<Header> headers = {{"Upgrade", "websocket"},
                                 {"Sec-WebSocket-Accept", handshake.accept}};
  std::uint8_t protocol = WebSocket::kNoProtocol;
  if (!handshake.protocol.empty()) {
    headers.push_back({"Sec-WebSocket-Protocol", handshake.protocol});
    const auto& known = options_.protocols;
    protocol = static_cast<std::uint8_t>(std::find(known.begin(), known.end(), handshake.protocol) -
                                         known.begin());
  }
  if (handshake.deflate.on) {
    headers.push_back({"Sec-WebSocket-Extensions", handshake.deflate.answer});
  }
  std::unique_ptr<WebSocket> socket(new WebSocket(*this, setup, handshake.deflate, protocol));
  exchange.upgrade(headers, *this, socket.release());
  return true;
}

void WebSocketServer::on_open(Connection& connection) {
  of(connection).open(connection);
}

void WebSocketServer::on_data(Connection& connection, Bytes data) {
  of(connection).receive(data);
}

void WebSocketServer::on_end(Connection& connection) {
  of(connection).meet_end();
}

void WebSocketServer::on_writable(Connection& connection) {
  of(connection).resume();
}

void WebSocketServer::on_close(Connection& connection, CloseReason reason) {
  const std::unique_ptr<WebSocket> socket(&of(connection));
  connection.set_session(nullptr);
  socket->end(reason);
}

void WebSocketServer::on_deadline(Connection& connection, CloseReason reason) {
  if (connection.ending()) return;
  if (reason == CloseReason::kLimitMemory) {
    of(connection).shed();
  } else if (reason != CloseReason::kIdleTimeout) {
    connection.close(reason);
  } else {
    of(connection).time_out();
  }
}

std::size_t WebSocketServer::held_bytes(const Connection& connection) const {
  return static_cast<const WebSocket*>(connection.session())->held_bytes();
}

bool WebSocketServer::on_drain(Connection& connection) {
  return of(connection).drain();
}

}  // namespace polyport::http
