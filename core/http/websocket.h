// WebSocket: one connection after the handshake, as a service sees it (RFC 6455).
//
// WebSocketServer makes them: it takes an upgraded connection over from the HTTP engine and calls a
// WebSocketHandler with whole messages. Between two messages a WebSocket owns no memory beyond
// itself, unless compression with context was agreed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/http/websocket_extension.h"
#include "core/http/websocket_shared.h"
#include "core/net/connection.h"

namespace polyport::http {

class WebSocketServer;

// How one connection is treated, where that differs from the server's options.
struct WebSocketSetup {
  MessageLimits limits;
  std::uint32_t max_sent_frame = 0;       // larger messages leave in fragments; 0: never
  std::chrono::milliseconds lifetime{0};  // then it is closed with 1001; 0: for ever
  void* state = nullptr;
};

// How a connection ended.
struct WebSocketEnd {
  CloseCode code = CloseCode::kAbnormal;  // the peer's, else ours, else kAbnormal
  bool clean = false;                     // both sides said so
  CloseReason reason = CloseReason::kPeerClosed;
};

class WebSocket {
 public:
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  Connection& connection() const { return *connection_; }
  // The subprotocol that was agreed on; empty: none.
  Bytes protocol() const;
  // The service's own state; the service frees it in on_close.
  void* state() const { return state_; }
  void set_state(void* state) { state_ = state; }

  // --- what goes out -----------------------------------------------------------------------------
  // Legal anywhere, also outside the connection's callbacks; after close() it is dropped. Bytes of
  // a text that are not UTF-8 become U+FFFD.
  void send_text(Bytes text);
  void send_binary(Bytes bytes);
  void send(SharedMessage& message);
  void ping(Bytes payload = {});  // at most 125 bytes of it
  // More is queued than the door's write_high: wait for WebSocketHandler::on_writable.
  bool congested() const;

  // --- the end -----------------------------------------------------------------------------------
  // Says so and waits for the peer to say so too, for close_timeout at most. What still comes is
  // not delivered.
  void close(CloseCode code = CloseCode::kNormal, Bytes reason = {},
             CloseReason why = CloseReason::kServiceClosed);
  // The same without waiting and without what is queued and not begun: a reader that is too slow.
  void close_slow(Bytes reason);
  bool closing() const { return phase_ != Phase::kOpen; }

 private:
  friend class WebSocketServer;

  enum class Phase : std::uint8_t {
    kOpen,
    kClosing,  // our close frame is sent, the peer's is to come
    kDone,     // the connection is ending
  };

  WebSocket(WebSocketServer& server, const WebSocketSetup& setup, const DeflateAgreement& deflate,
            std::uint8_t protocol);

  // Called by the server, inside a callback of the connection.
  void open(Connection& connection);
  void receive(Bytes data);
  void resume();
  void meet_end();
  void time_out();
  bool drain();
  void shed();  // it must go, for want of memory
  std::size_t held_bytes() const;
  void end(CloseReason reason);

  // Reading (websocket.cc).
  void run(Bytes input);
  void run_pending();
  void hold(Bytes input);
  void handle(const MessageReader::Event& event);
  template <class Call>
  void ask_handler(Call call);

  // Sending (websocket_send.cc).
  void send_message(MessageKind kind, Bytes content);
  void send_frames(const FrameRun& run, Bytes payload);
  void send_control(Opcode opcode, Bytes payload);
  void send_close(CloseCode code, Bytes reason);
  void finish(CloseReason reason);
  void fail(CloseCode code, Bytes reason, CloseReason why = CloseReason::kProtocolError);

  // Deadlines (websocket_time.cc). In milliseconds of the connection's age.
  std::uint32_t age() const;
  void arm();
  void watch_message();
  void check_message(std::uint32_t now);
  void check_peer(std::uint32_t now);

  static constexpr std::uint8_t kNoProtocol = 0xff;

  WebSocketServer& server_;
  Connection* connection_ = nullptr;
  void* state_;
  MessageReader reader_;
  std::unique_ptr<std::string> pending_;  // bytes that cannot be processed now
  std::unique_ptr<Deflater> deflater_;    // where our messages refer to those before
  std::uint32_t max_sent_frame_;
  std::uint32_t heard_ = 0;       // when bytes last came
  std::uint32_t due_ = 0;         // of the pong, or of the peer's close frame
  std::uint32_t ends_ = 0;        // its lifetime; 0: never
  std::uint32_t mark_ = 0;        // a half message is measured from here
  std::uint32_t since_mark_ = 0;  // bytes
  CloseCode code_ = CloseCode::kAbnormal;
  CloseReason why_ = CloseReason::kServiceClosed;
  Phase phase_ = Phase::kOpen;
  std::uint8_t protocol_;
  std::uint8_t window_bits_;
  bool deflates_ : 1;
  bool keeps_context_ : 1;    // our deflater does
  bool counts_context_ : 1;   // one of the server's contexts is ours
  bool opened_ : 1 = false;   // the handler knows it
  bool stopped_ : 1 = false;  // the loop stopped before its input was used up
  bool paused_ : 1 = false;   // reading, by us
  bool pinged_ : 1 = false;   // and nothing has come since
  bool timing_ : 1 = false;   // a half message
  bool clean_ : 1 = false;
};
static_assert(sizeof(WebSocket) <= 192, "what an idle member of a chat costs beside its slot");

}  // namespace polyport::http
