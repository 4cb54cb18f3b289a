// WebSocket's sending side: messages, control frames, and the end.
#include <cstring>

#include "core/http/websocket.h"
#include "core/http/websocket_server.h"
#include "core/net/connection_source.h"

namespace polyport::http {
namespace {

// Smaller messages are put together on the stack, larger ones in a payload.
constexpr std::size_t kStackBytes = 4096;

}  // namespace

bool WebSocket::congested() const {
  return connection_->queued_bytes() > connection_->source().policy().write_high;
}

// --- messages ------------------------------------------------------------------------------------

void WebSocket::send_text(Bytes text) {
  std::string repaired;
  send_message(MessageKind::kText, as_utf8(text, repaired));
}

void WebSocket::send_binary(Bytes bytes) {
  send_message(MessageKind::kBinary, bytes);
}

void WebSocket::send(SharedMessage& message) {
  if (phase_ != Phase::kOpen) return;
  const bool splits = max_sent_frame_ != 0 && message.content().size() > max_sent_frame_;
  if (splits || (deflates_ && keeps_context_)) {
    send_message(message.kind(), message.content());
  } else if (deflates_) {
    connection_->send(message.compressed(server_.memory_, window_bits_));
  } else {
    connection_->send(message.plain());
  }
}

void WebSocket::send_message(MessageKind kind, Bytes content) {
  if (phase_ != Phase::kOpen) return;
  FrameRun run{.kind = kind, .max_frame = max_sent_frame_};
  if (!deflates_ || content.size() < kLeastCompressed) {
    send_frames(run, content);
    return;
  }
  std::string& packed = server_.packed_;
  packed.clear();
  if (keeps_context_) {
    if (!deflater_) {
      deflater_ = std::make_unique<Deflater>(window_bits_, Deflater::Memory::kSmall);
    }
    deflater_->add_message(content, packed);
  } else {
    Deflater& deflater = server_.memory_.deflater(window_bits_);
    deflater.reset();
    deflater.add_message(content, packed);
  }
  // One that a later message may refer to must be sent as it is, smaller or not.
  if (keeps_context_ || packed.size() < content.size()) {
    run.compressed = Compressed::kYes;
    send_frames(run, packed);
  } else {
    send_frames(run, content);
  }
  constexpr std::size_t kMostKept = 64 * 1024;
  if (packed.capacity() > kMostKept) std::string().swap(packed);
}

// In one piece: what is dropped from a queue, is dropped whole.
void WebSocket::send_frames(const FrameRun& run, Bytes payload) {
  const std::size_t size = run.size(payload.size());
  if (size <= kStackBytes) {
    char buffer[kStackBytes];
    run.write(payload, buffer);
    connection_->send(Bytes(buffer, size));
  } else {
    connection_->send(Payload::build(size, [&](char* out) { run.write(payload, out); }));
  }
}

// --- control frames ------------------------------------------------------------------------------

void WebSocket::ping(Bytes payload) {
  if (phase_ == Phase::kOpen) send_control(Opcode::kPing, payload);
}

void WebSocket::send_control(Opcode opcode, Bytes payload) {
  payload = payload.substr(0, kMostControlBytes);
  char frame[kMostHeadBytes + kMostControlBytes];
  char* out = write_frame_head(opcode, payload.size(), frame);
  if (!payload.empty()) std::memcpy(out, payload.data(), payload.size());
  out += payload.size();
  connection_->send(Bytes(frame, static_cast<std::size_t>(out - frame)));
}

void WebSocket::send_close(CloseCode code, Bytes reason) {
  char payload[kMostControlBytes];
  const char* end = write_close(code, reason, payload);
  send_control(Opcode::kClose, Bytes(payload, static_cast<std::size_t>(end - payload)));
}

std::size_t WebSocket::held_bytes() const {
  return reader_.held_bytes() + (pending_ ? pending_->capacity() : 0);
}

// --- the end -------------------------------------------------------------------------------------

void WebSocket::close(CloseCode code, Bytes reason, CloseReason why) {
  if (phase_ != Phase::kOpen) return;
  send_close(may_be_sent(code) ? code : CloseCode::kNoStatus, reason);
  code_ = code;
  why_ = why;
  phase_ = Phase::kClosing;
  due_ = age() + static_cast<std::uint32_t>(server_.options_.close_timeout.count());
  arm();
  if (stopped_) connection_->wake();  // what is held back may be the peer's close frame
}

void WebSocket::close_slow(Bytes reason) {
  if (phase_ != Phase::kOpen) return;
  connection_->drop_unsent();
  fail(CloseCode::kTryAgainLater, reason, CloseReason::kSlowReader);
}

void WebSocket::shed() {
  fail(CloseCode::kTryAgainLater, "the server is short of memory, and this message held much of it",
       CloseReason::kLimitMemory);
  reader_.abandon();  // while the client says goodbye, too
}

// Section 7.1.7: says why, and hears nothing any more.
void WebSocket::fail(CloseCode code, Bytes reason, CloseReason why) {
  if (phase_ == Phase::kDone) return;
  if (phase_ == Phase::kOpen) {
    send_close(code, reason);
    code_ = code;
  }
  finish(why);
}

// The server closes first (section 7.1.1), and waits for the peer so that no frame is lost to a
// RST.
void WebSocket::finish(CloseReason reason) {
  phase_ = Phase::kDone;
  pending_.reset();
  connection_->clear_deadline();
  connection_->finish(Connection::Linger::kWait, reason);
}

}  // namespace polyport::http
