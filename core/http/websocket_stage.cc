#include "core/http/websocket_stage.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace polyport::http {
namespace {

constexpr Violation kNotUtf8{CloseCode::kInvalidData, "the text is not UTF-8"};

// How many bytes at the end of UTF-8 that may go on begin a character that is not complete.
std::size_t cut_character(Bytes text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<std::uint8_t>(text[text.size() - back]);
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

iovec piece_of(Bytes bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

Bytes bytes_of(const iovec& piece) {
  return {static_cast<const char*>(piece.iov_base), piece.iov_len};
}

}  // namespace

WebSocketStageMaker::WebSocketStageMaker(WebSocketTransport transport)
    : transport_(std::move(transport)) {}

WebSocketStageMaker::~WebSocketStageMaker() = default;

std::unique_ptr<Stage> WebSocketStageMaker::make() {
  return std::make_unique<WebSocketStage>(*this);
}

WebSocketStage::WebSocketStage(WebSocketStageMaker& maker)
    : maker_(maker), kind_(maker.transport_.first) {}

WebSocketStage::~WebSocketStage() {
  drop_draft();
}

Draft& WebSocketStage::draft() {
  if (!draft_) draft_ = maker_.memory_.take_draft();
  return *draft_;
}

std::size_t WebSocketStage::held_bytes() const {
  return (handshake_ ? handshake_->bytes.capacity() : 0) +
         (draft_ ? draft_->content.capacity() : 0);
}

void WebSocketStage::drop_draft() {
  if (draft_) maker_.memory_.give_back(std::move(draft_));
}

// --- coming --------------------------------------------------------------------------------------

void WebSocketStage::receive(Bytes bytes) {
  if (open_) {
    read(bytes);
  } else {
    shake_hands(bytes);
  }
}

void WebSocketStage::read(Bytes input) {
  while (!over() && !heard_close_) {
    if (frames_.state() == FrameReader::State::kHead) {
      if (input.empty()) return;
      if (const Violation violation = frames_.read_head(input)) return fail(violation);
      if (frames_.state() == FrameReader::State::kHead) return;
      const bool begins = frames_.opcode() == Opcode::kText || frames_.opcode() == Opcode::kBinary;
      if (begins) utf8_.reset();
      if (begins && maker_.transport_.messages == WebSocketTransport::Messages::kAsTheyCome) {
        kind_ = is_text() ? MessageKind::kText : MessageKind::kBinary;
      }
    }
    if (frames_.left() > 0 && input.empty()) return;
    if (frames_.is_control()) {
      take_control(input);
    } else {
      take_data(input);
    }
  }
}

void WebSocketStage::take_data(Bytes& input) {
  const bool whole = (!draft_ || draft_->content.empty()) && frames_.final() &&
                     frames_.opcode() != Opcode::kContinuation && frames_.left() <= input.size() &&
                     frames_.left() <= kWholeBytes;
  if (whole) {
    const Bytes piece = frames_.take_payload(input, kWholeBytes);
    frames_.unmask(piece, maker_.memory_.scratch());
    const Bytes content{maker_.memory_.scratch(), piece.size()};
    if (is_text() && (!utf8_.feed(content) || !utf8_.complete())) return fail(kNotUtf8);
    return pass_up(content);
  }
  std::string& content = draft().content;
  const std::size_t before = content.size();
  content.append(frames_.take_payload(input, kWholeBytes - before));
  const Bytes fresh = Bytes(content).substr(before);
  frames_.unmask(fresh, content.data() + before);
  if (is_text() && !utf8_.feed(fresh)) return fail(kNotUtf8);
  const bool ended = frames_.state() == FrameReader::State::kHead && frames_.final();
  if (ended && is_text() && !utf8_.complete()) return fail(kNotUtf8);
  if (ended) {
    pass_up(content);
    drop_draft();
  } else if (content.size() == kWholeBytes) {
    const std::size_t cut = is_text() ? cut_character(content) : 0;
    pass_up(Bytes(content).substr(0, content.size() - cut));
    if (draft_) content.erase(0, content.size() - cut);
  }
}

void WebSocketStage::take_control(Bytes& input) {
  const bool whole = frames_.left() <= input.size() && (!draft_ || draft_->control_size == 0);
  const Bytes piece = frames_.take_payload(input, kMostControlBytes);
  if (whole) {
    frames_.unmask(piece, maker_.memory_.scratch());
    return hear_control({maker_.memory_.scratch(), piece.size()});
  }
  Draft& kept = draft();
  frames_.unmask(piece, kept.control.data() + kept.control_size);
  kept.control_size = static_cast<std::uint8_t>(kept.control_size + piece.size());
  if (frames_.left() > 0) return;
  const std::array<char, kMostControlBytes> payload = kept.control;
  const std::size_t size = std::exchange(kept.control_size, std::uint8_t{0});
  if (!frames_.in_message()) drop_draft();
  hear_control({payload.data(), size});
}

void WebSocketStage::hear_control(Bytes payload) {
  if (frames_.opcode() == Opcode::kPing && !sent_close_) send_control(Opcode::kPong, payload);
  if (frames_.opcode() != Opcode::kClose) return;
  ClosePayload close;
  if (const Violation violation = parse_close(payload, close)) return fail(violation);
  code_ = close.code;
  heard_close_ = true;
  drop_draft();
  pass_end();
}

// --- going ---------------------------------------------------------------------------------------

void WebSocketStage::send(const iovec* pieces, std::size_t count) {
  if (sent_close_) return;
  std::array<char, sizeof tail_> tail{};
  std::memcpy(tail.data(), tail_, sizeof tail_);
  std::vector<iovec>& all = maker_.pieces_;
  all.assign(1, {});  // the frame's head
  if (tail_size_ > 0) all.push_back(piece_of({tail.data(), std::exchange(tail_size_, {})}));
  all.insert(all.end(), pieces, pieces + count);
  send_message(wants_text() && keep_cut_character(all) ? MessageKind::kText : MessageKind::kBinary);
}

bool WebSocketStage::wants_text() const {
  using Messages = WebSocketTransport::Messages;
  const Messages wanted = maker_.transport_.messages;
  return wanted == Messages::kText ||
         (wanted == Messages::kAsTheyCome && kind_ == MessageKind::kText);
}

// False where the pieces are not UTF-8. The beginning of a character goes with its rest; it may lie
// over several pieces.
bool WebSocketStage::keep_cut_character(std::vector<iovec>& all) {
  Utf8Check check;
  for (const iovec& piece : all) {
    if (!check.feed(bytes_of(piece))) return false;
  }
  for (bool lead = check.complete(); !lead && all.size() > 1;) {
    iovec& last = all.back();
    const std::size_t cut = cut_character(bytes_of(last));
    lead = cut > 0;
    const std::size_t taken = lead ? cut : last.iov_len;  // else all of them are behind the lead
    std::memmove(tail_ + taken, tail_, tail_size_);
    std::memcpy(tail_, bytes_of(last).data() + last.iov_len - taken, taken);
    tail_size_ = static_cast<std::uint8_t>(tail_size_ + taken);
    last.iov_len -= taken;
    if (last.iov_len == 0) all.pop_back();
  }
  return true;
}

// What maker_.pieces_ has behind its first.
void WebSocketStage::send_message(MessageKind kind) {
  std::vector<iovec>& all = maker_.pieces_;
  std::uint64_t size = 0;
  for (const iovec& piece : all)
    size += piece.iov_len;
  if (size == 0) return;
  char head[kMostHeadBytes];
  const Opcode opcode = kind == MessageKind::kText ? Opcode::kText : Opcode::kBinary;
  const char* const end = write_frame_head(opcode, size, head);
  all.front() = piece_of({head, static_cast<std::size_t>(end - head)});
  pass_down(all.data(), all.size());
}

void WebSocketStage::send_control(Opcode opcode, Bytes payload) {
  char frame[kMostHeadBytes + kMostControlBytes];
  char* out = write_frame_head(opcode, payload.size(), frame);
  if (!payload.empty()) std::memcpy(out, payload.data(), payload.size());
  out += payload.size();
  pass_down(Bytes(frame, static_cast<std::size_t>(out - frame)));
}

void WebSocketStage::send_close(CloseCode code, Bytes reason) {
  sent_close_ = true;
  char payload[kMostControlBytes];
  const char* const end = write_close(code, reason, payload);
  send_control(Opcode::kClose, Bytes(payload, static_cast<std::size_t>(end - payload)));
}

void WebSocketStage::shutdown() {
  if (open_ && !sent_close_) {
    maker_.pieces_.assign({{}, piece_of({tail_, std::exchange(tail_size_, {})})});
    send_message(MessageKind::kBinary);
    send_close(code_, {});
  }
  pass_shutdown();
}

void WebSocketStage::fail(Violation violation) {
  drop_draft();
  if (!sent_close_) send_close(violation.code, violation.reason);
  refuse(CloseReason::kProtocolError);
}

}  // namespace polyport::http
