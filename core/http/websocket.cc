// WebSocket's reading side: from bytes to the handler's calls.
#include "core/http/websocket.h"

#include <algorithm>
#include <utility>

#include "core/http/websocket_server.h"

namespace polyport::http {
namespace {

using Event = MessageReader::Event;

// What one callback may do before the others have their turn: bytes of messages, and a price for
// each step, so that a read full of one-byte messages counts too.
constexpr std::size_t kWorkPerCallback = 256 * 1024;
constexpr std::size_t kStepPrice = 32;

MessageReader::Setup reader_setup(const WebSocketSetup& setup, const WebSocketOptions& options,
                                  const DeflateAgreement& deflate) {
  using Inflate = MessageReader::Inflate;
  return {.limits = setup.limits,
          .takes = options.takes,
          .inflate = !deflate.on                    ? Inflate::kOff
                     : deflate.client_keeps_context ? Inflate::kContext
                                                    : Inflate::kSingleMessages};
}

}  // namespace

WebSocket::WebSocket(WebSocketServer& server, const WebSocketSetup& setup,
                     const DeflateAgreement& deflate, std::uint8_t protocol)
    : server_(server),
      state_(setup.state),
      reader_(server.memory_, reader_setup(setup, server.options_, deflate)),
      max_sent_frame_(setup.max_sent_frame),
      ends_(static_cast<std::uint32_t>(setup.lifetime.count())),
      protocol_(protocol),
      window_bits_(deflate.server_window_bits),
      deflates_(deflate.on),
      keeps_context_(deflate.server_keeps_context),
      counts_context_(deflate.server_keeps_context || deflate.client_keeps_context) {
  ++server_.count_;
  if (counts_context_) ++server_.contexts_;
}

WebSocket::~WebSocket() {
  --server_.count_;
  if (counts_context_) --server_.contexts_;
}

Bytes WebSocket::protocol() const {
  return protocol_ == kNoProtocol ? Bytes{} : server_.options_.protocols[protocol_];
}

// A handler that throws has failed this connection: the peer is told, and the core ends it.
template <class Call>
void WebSocket::ask_handler(Call call) {
  try {
    call(server_.handler_);
  } catch (...) {
    fail(CloseCode::kInternalError, "the service failed", CloseReason::kServiceError);
    throw;
  }
}

void WebSocket::open(Connection& connection) {
  connection_ = &connection;
  heard_ = age();
  if (ends_ != 0) ends_ += heard_;
  opened_ = true;
  ask_handler([this](WebSocketHandler& handler) { handler.on_open(*this); });
  arm();
}

// --- the loop ------------------------------------------------------------------------------------

void WebSocket::receive(Bytes data) {
  heard_ = age();
  pinged_ = false;
  since_mark_ += static_cast<std::uint32_t>(data.size());
  if (!stopped_) {
    run(data);
    return;
  }
  if (!pending_) pending_ = std::make_unique<std::string>();
  pending_->append(data);
  run_pending();
}

void WebSocket::resume() {
  if (phase_ == Phase::kOpen && !congested()) {
    ask_handler([this](WebSocketHandler& handler) { handler.on_writable(*this); });
  }
  if (stopped_) run_pending();
}

void WebSocket::run_pending() {
  const std::unique_ptr<std::string> input = std::move(pending_);
  run(input ? Bytes(*input) : Bytes{});
}

void WebSocket::run(Bytes input) {
  stopped_ = false;
  std::size_t work = 0;
  while (phase_ != Phase::kDone && !connection_->ending()) {
    if ((phase_ == Phase::kOpen && congested()) || work > kWorkPerCallback) {
      hold(input);
      return;
    }
    const std::size_t before = input.size();
    const std::size_t half = reader_.half_bytes();
    const Event event = reader_.next(input);
    if (event.kind == Event::Kind::kNeedMore) break;
    work += before - input.size() + kStepPrice;
    if (reader_.half_bytes() > half) work += reader_.half_bytes() - half;
    handle(event);
  }
  if (paused_) connection_->resume_reading();
  paused_ = false;
  watch_message();
}

// Goes on at the end of the turn, or when the queue has room.
void WebSocket::hold(Bytes input) {
  stopped_ = true;
  if (!input.empty()) pending_ = std::make_unique<std::string>(input);
  if (!paused_) connection_->pause_reading();
  paused_ = true;
  if (!congested()) connection_->wake();
}

void WebSocket::handle(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kNeedMore:
    case Event::Kind::kProgress:
      return;
    case Event::Kind::kMessage:
      if (phase_ != Phase::kOpen) return;
      ask_handler([&](WebSocketHandler& handler) {
        handler.on_message(*this, event.message, event.bytes);
      });
      return;
    case Event::Kind::kPing:
      if (phase_ == Phase::kOpen) send_control(Opcode::kPong, event.bytes);
      return;
    case Event::Kind::kPong:
      if (phase_ != Phase::kOpen) return;
      ask_handler([&](WebSocketHandler& handler) { handler.on_pong(*this, event.bytes); });
      return;
    case Event::Kind::kClose: {
      const bool asked = phase_ == Phase::kClosing;
      code_ = event.code;
      clean_ = true;
      if (!asked) send_close(event.code, {});  // the same code (section 5.5.1)
      finish(asked ? why_ : CloseReason::kPeerClosed);
      return;
    }
    case Event::Kind::kViolation:
      fail(event.code, event.bytes);
      return;
  }
}

// The peer's FIN, without a close frame before it.
void WebSocket::meet_end() {
  if (stopped_) run_pending();
  if (phase_ == Phase::kDone || connection_->ending()) return;
  finish(phase_ == Phase::kClosing ? why_ : CloseReason::kPeerClosed);
}

// The process is stopping: the peer is told, and has a second to say so too.
bool WebSocket::drain() {
  if (phase_ == Phase::kOpen) {
    close(CloseCode::kGoingAway, "the server is stopping", CloseReason::kDrain);
    due_ = age() + 1'000;
    arm();
  }
  return true;
}

void WebSocket::end(CloseReason reason) {
  if (!opened_) return;
  server_.handler_.on_close(*this, {.code = code_, .clean = clean_, .reason = reason});
}

}  // namespace polyport::http
