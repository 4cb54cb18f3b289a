#include "core/http/websocket_client_stage.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/websocket_handshake.h"

namespace polyport::http {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::size_t kRandomAtOnce = 256;

iovec piece_of(Bytes bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

bool lists(Bytes value, std::string_view wanted) {
  for (const std::string_view item : split(value, ',')) {
    if (equals_ignoring_case(trim(item), wanted)) return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Stage> WebSocketClientMaker::make() {
  return std::make_unique<WebSocketClientStage>(*this);
}

Mask WebSocketClientMaker::next_mask() {
  Mask mask{};
  if (random_.size() < mask.size()) random_ = random_bytes(kRandomAtOnce);
  std::memcpy(mask.data(), random_.data() + random_.size() - mask.size(), mask.size());
  random_.resize(random_.size() - mask.size());
  return mask;
}

// --- the opening handshake -----------------------------------------------------------------------

void WebSocketClientStage::start() {
  handshake_ = std::make_unique<Handshake>();
  handshake_->key = base64(random_bytes(16));
  pass_down("GET " + maker_.path_ + " HTTP/1.1\r\nHost: " + maker_.host_ +
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: " +
            handshake_->key + "\r\n\r\n");
}

void WebSocketClientStage::receive(Bytes bytes) {
  if (open_) {
    read(bytes);
  } else if (handshake_) {
    hear_answer(bytes);
  }
}

void WebSocketClientStage::hear_answer(Bytes bytes) {
  std::string& answer = handshake_->answer;
  answer.append(bytes);
  const std::string_view begin = "HTTP/1.";
  const bool is_http = answer.compare(0, begin.size(), begin, 0, answer.size()) == 0;
  const std::size_t end = answer.find(kEnd);
  if (is_http && end == std::string::npos && answer.size() <= kMostAnswerBytes) return;
  if (!is_http || end == std::string::npos) {
    return decline("the server does not speak WebSocket: " + quoted(answer, 40));
  }
  if (const std::string wrong = judge(Bytes(answer).substr(0, end + 2)); !wrong.empty()) {
    return decline(wrong);
  }
  const std::unique_ptr<Handshake> done = std::move(handshake_);
  open_ = true;
  pass_open();
  const Bytes rest = Bytes(done->answer).substr(end + kEnd.size());
  if (!over() && !rest.empty()) read(rest);
}

// Section 4.1, "the client MUST validate".
std::string WebSocketClientStage::judge(Bytes head) const {
  const Bytes status_line = head.substr(0, head.find("\r\n"));
  const Bytes status = status_line.substr(std::min<std::size_t>(9, status_line.size()));
  if (!status.starts_with("101") || (status.size() > 3 && status[3] != ' ')) {
    return "the server opens no WebSocket there: " + printable(status, 60);
  }
  bool upgrade = false, connection = false, accept = false;
  for (Bytes rest = head.substr(status_line.size() + 2); !rest.empty();) {
    const Bytes field = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(field.size() + 2);
    const std::size_t colon = field.find(':');
    if (colon == Bytes::npos) return "a header field of the server's handshake cannot be read";
    const Bytes name = field.substr(0, colon);
    const Bytes value = trim(field.substr(colon + 1));
    if (equals_ignoring_case(name, "Upgrade")) upgrade = equals_ignoring_case(value, "websocket");
    if (equals_ignoring_case(name, "Connection")) connection |= lists(value, "upgrade");
    if (equals_ignoring_case(name, "Sec-WebSocket-Accept")) {
      accept = value == websocket_accept(handshake_->key);
    }
    if (equals_ignoring_case(name, "Sec-WebSocket-Extensions") ||
        equals_ignoring_case(name, "Sec-WebSocket-Protocol")) {
      return "the server's handshake chooses what was not offered: " + printable(field, 60);
    }
  }
  if (!upgrade || !connection) return "the server's handshake does not say Upgrade: websocket";
  return accept ? "" : "the server's Sec-WebSocket-Accept does not answer our key";
}

void WebSocketClientStage::decline(const std::string& why) {
  handshake_.reset();
  note_failure(why);
  refuse(CloseReason::kProtocolError);
}

void WebSocketClientStage::receive_end() {
  if (!open_ && handshake_) return decline("the server closed within the WebSocket handshake");
  pass_end();
}

// --- coming --------------------------------------------------------------------------------------

void WebSocketClientStage::read(Bytes input) {
  while (!over() && !heard_close_) {
    if (frames_.state() == FrameReader::State::kHead) {
      if (input.empty()) return;
      if (const Violation violation = frames_.read_head(input)) return fail(violation);
      if (frames_.state() == FrameReader::State::kHead) return;
      const bool begins = frames_.opcode() == Opcode::kText || frames_.opcode() == Opcode::kBinary;
      if (begins) utf8_.reset();
    }
    if (frames_.left() > 0 && input.empty()) return;
    const bool control = frames_.is_control();
    const Bytes piece = frames_.take_payload(input, input.size());
    if (control) {
      control_.append(piece);
      if (frames_.left() == 0) hear_control();
    } else {
      take_data(piece);
    }
  }
}

void WebSocketClientStage::take_data(Bytes piece) {
  if (frames_.message() == Opcode::kText) {
    const bool ended = frames_.left() == 0 && frames_.final();
    if (!utf8_.feed(piece) || (ended && !utf8_.complete())) {
      return fail({CloseCode::kInvalidData, "the text is not UTF-8"});
    }
  }
  pass_up(piece);
}

void WebSocketClientStage::hear_control() {
  const std::string payload = std::exchange(control_, {});
  const iovec piece = piece_of(payload);
  if (frames_.opcode() == Opcode::kPing && !sent_close_) send_frame(Opcode::kPong, &piece, 1);
  if (frames_.opcode() != Opcode::kClose) return;
  ClosePayload close;
  if (const Violation violation = parse_close(payload, close)) return fail(violation);
  heard_close_ = true;
  if (!sent_close_) send_close(close.code, {});
  pass_end();
}

// --- going ---------------------------------------------------------------------------------------

void WebSocketClientStage::send(const iovec* pieces, std::size_t count) {
  if (open_ && !sent_close_) send_frame(Opcode::kBinary, pieces, count);
}

void WebSocketClientStage::send_frame(Opcode opcode, const iovec* pieces, std::size_t count) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < count; ++i)
    length += pieces[i].iov_len;
  const Mask mask = maker_.next_mask();
  std::string& frame = maker_.scratch_;
  frame.resize(kMostClientHeadBytes + static_cast<std::size_t>(length));
  char* const payload = write_client_frame_head(opcode, length, mask, frame.data());
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    mask_bytes({static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len}, mask, offset,
               payload + offset);
    offset += pieces[i].iov_len;
  }
  pass_down(Bytes(frame.data(), static_cast<std::size_t>(payload + length - frame.data())));
}

void WebSocketClientStage::send_close(CloseCode code, Bytes reason) {
  sent_close_ = true;
  char payload[kMostControlBytes];
  const char* const end = write_close(code, reason, payload);
  const iovec piece = piece_of({payload, static_cast<std::size_t>(end - payload)});
  send_frame(Opcode::kClose, &piece, 1);
}

void WebSocketClientStage::shutdown() {
  if (open_ && !sent_close_) send_close(CloseCode::kNormal, {});
  pass_shutdown();
}

void WebSocketClientStage::fail(Violation violation) {
  if (!sent_close_) send_close(violation.code, violation.reason);
  refuse(CloseReason::kProtocolError);
}

}  // namespace polyport::http
