#include "core/http/websocket_message.h"

#include <algorithm>
#include <utility>

namespace polyport::http {
namespace {

using Event = MessageReader::Event;

// A compressed message that does not shrink may be longer on the wire than it is: twice, and a
// little for many small fragments. Beyond, it is made of nothing.
constexpr std::uint64_t kWireSlack = 64 * 1024;
// Of a compressed frame at once: what it inflates to is then 1 MiB at most.
constexpr std::size_t kInflateStep = 1024;

constexpr Violation kOnlyText{CloseCode::kUnsupported, "only text messages are taken here"};
constexpr Violation kOnlyBinary{CloseCode::kUnsupported, "only binary messages are taken here"};
constexpr Violation kLargeMessage{CloseCode::kTooBig, "the message is larger than this end takes"};
constexpr Violation kLargeFrame{CloseCode::kTooBig, "the frame is larger than this end takes"};
constexpr Violation kManyFragments{CloseCode::kPolicy, "the message has too many fragments"};
constexpr Violation kNotUtf8{CloseCode::kInvalidData, "the text is not UTF-8"};
constexpr Violation kNotDeflate{CloseCode::kInvalidData,
                                "the message is marked as compressed and does not inflate"};

}  // namespace

MessageReader::MessageReader(WebSocketMemory& memory, const Setup& setup)
    : memory_(memory),
      frames_(setup.side, setup.inflate == Inflate::kOff ? FrameReader::Rsv1::kRefused
                                                         : FrameReader::Rsv1::kCompressed),
      limits_(setup.limits),
      takes_(setup.takes),
      inflate_(setup.inflate) {}

MessageReader::~MessageReader() {
  abandon();
  if (inflater_) memory_.give_back(std::move(inflater_));
}

void MessageReader::abandon() {
  done_ = true;
  if (draft_) memory_.give_back(std::move(draft_));
}

Draft& MessageReader::draft() {
  if (!draft_) draft_ = memory_.take_draft();
  return *draft_;
}

Inflater& MessageReader::inflater() {
  if (!inflater_) inflater_ = memory_.take_inflater();
  return *inflater_;
}

void MessageReader::release() {
  if (draft_) draft_->control_size = 0;
  const bool whole = std::exchange(release_, false);
  if (draft_ && (whole || done_ || !frames_.in_message())) memory_.give_back(std::move(draft_));
  if (inflater_ && (done_ || (whole && inflate_ != Inflate::kContext))) {
    memory_.give_back(std::move(inflater_));
  }
}

// --- the loop ------------------------------------------------------------------------------------

Event MessageReader::next(Bytes& input) {
  if (release_ || done_) release();
  while (!done_) {
    if (frames_.state() == FrameReader::State::kHead) {
      if (input.empty()) return {};
      const Event event = take_head(input);
      if (event.kind != Event::Kind::kProgress) return event;
    } else {
      if (frames_.left() > 0 && input.empty()) return {};
      const Event event = frames_.is_control() ? take_control(input) : take_data(input);
      if (event.kind != Event::Kind::kNeedMore) return event;
    }
  }
  input = {};
  return {};
}

// kProgress where the payload comes next, kNeedMore where the head is not complete.
Event MessageReader::take_head(Bytes& input) {
  if (const Violation violation = frames_.read_head(input)) return violate(violation);
  if (frames_.state() == FrameReader::State::kHead) return {};
  return frames_.is_control() ? Event{.kind = Event::Kind::kProgress} : begin_data(input);
}

Event MessageReader::violate(Violation violation) {
  done_ = true;
  return {.kind = Event::Kind::kViolation, .code = violation.code, .bytes = violation.reason};
}

// --- control frames ------------------------------------------------------------------------------

Event MessageReader::take_control(Bytes& input) {
  const bool whole = frames_.left() <= input.size() && (!draft_ || draft_->control_size == 0);
  const Bytes piece = frames_.take_payload(input, kMostControlBytes);
  if (whole) {
    frames_.unmask(piece, memory_.scratch());
    return control_event({memory_.scratch(), piece.size()});
  }
  Draft& kept = draft();
  frames_.unmask(piece, kept.control.data() + kept.control_size);
  kept.control_size = static_cast<std::uint8_t>(kept.control_size + piece.size());
  if (frames_.left() > 0) return {};
  release_ = !frames_.in_message();
  const Bytes payload{kept.control.data(), kept.control_size};
  kept.control_size = 0;
  return control_event(payload);
}

Event MessageReader::control_event(Bytes payload) {
  if (frames_.opcode() == Opcode::kPing) return {.kind = Event::Kind::kPing, .bytes = payload};
  if (frames_.opcode() == Opcode::kPong) return {.kind = Event::Kind::kPong, .bytes = payload};
  ClosePayload close;
  if (const Violation violation = parse_close(payload, close)) return violate(violation);
  done_ = true;
  return {.kind = Event::Kind::kClose, .code = close.code, .bytes = close.reason};
}

// --- data frames ---------------------------------------------------------------------------------

// The head of a data frame is complete: what can be said against the frame before its payload.
Event MessageReader::begin_data(Bytes& input) {
  const std::uint64_t size = frames_.left();
  const bool first = frames_.opcode() != Opcode::kContinuation;
  if (first) {
    if (is_text() && takes_ == Takes::kBinary) return violate(kOnlyBinary);
    if (!is_text() && takes_ == Takes::kText) return violate(kOnlyText);
    utf8_.reset();
  }
  if (limits_.max_frame != 0 && size > limits_.max_frame) return violate(kLargeFrame);
  const std::uint64_t before = first                  ? 0
                               : frames_.compressed() ? draft_->wire_bytes
                                                      : draft_->content.size();
  const std::uint64_t most = frames_.compressed()
                                 ? 2 * std::uint64_t{limits_.max_message} + kWireSlack
                                 : limits_.max_message;
  if (size > most - before) return violate(kLargeMessage);
  const bool all_here = first && frames_.final() && !frames_.compressed() && size <= input.size() &&
                        size <= WebSocketMemory::kScratchBytes;
  if (all_here) {
    const Bytes piece = frames_.take_payload(input, input.size());
    frames_.unmask(piece, memory_.scratch());
    const Bytes content{memory_.scratch(), piece.size()};
    if (is_text() && (!utf8_.feed(content) || !utf8_.complete())) return violate(kNotUtf8);
    return message(content);
  }
  Draft& kept = draft();
  kept.wire_bytes += size;
  if (++kept.fragments > limits_.max_fragments) return violate(kManyFragments);
  return {.kind = Event::Kind::kProgress};
}

Event MessageReader::take_data(Bytes& input) {
  const std::size_t most = frames_.compressed() ? kInflateStep : WebSocketMemory::kScratchBytes;
  const Bytes piece = frames_.take_payload(input, most);
  Event event;
  if (frames_.compressed()) {
    event = inflate(piece);
  } else {
    std::string& content = draft_->content;
    const std::size_t before = content.size();
    content.append(piece);
    frames_.unmask({content.data() + before, piece.size()}, content.data() + before);
    event = check_new(before, Inflater::Result::kFine);
  }
  if (event.kind == Event::Kind::kViolation) return event;
  if (frames_.state() == FrameReader::State::kHead && frames_.final()) return finish_message();
  return {.kind = Event::Kind::kProgress};
}

Event MessageReader::inflate(Bytes piece) {
  std::string& content = draft_->content;
  const std::size_t before = content.size();
  frames_.unmask(piece, memory_.scratch());
  return check_new(before,
                   inflater().add({memory_.scratch(), piece.size()}, content, limits_.max_message));
}

// What has come to the content behind `before`. UTF-8 is judged first, and only of what the limit
// allows, so that the verdict does not depend on how the bytes came.
Event MessageReader::check_new(std::size_t before, Inflater::Result result) {
  const Bytes content = Bytes(draft_->content).substr(0, limits_.max_message);
  if (is_text() && !utf8_.feed(content.substr(std::min(before, content.size())))) {
    return violate(kNotUtf8);
  }
  if (result == Inflater::Result::kTooBig) return violate(kLargeMessage);
  if (result == Inflater::Result::kInvalid) return violate(kNotDeflate);
  return {};
}

Event MessageReader::finish_message() {
  if (frames_.compressed()) {
    std::string& content = draft_->content;
    const std::size_t before = content.size();
    const Event event = check_new(before, inflater().end_message(content, limits_.max_message));
    if (event.kind == Event::Kind::kViolation) return event;
  }
  if (is_text() && !utf8_.complete()) return violate(kNotUtf8);
  release_ = true;
  return message(draft_->content);
}

Event MessageReader::message(Bytes content) {
  return {.kind = Event::Kind::kMessage,
          .message = is_text() ? MessageKind::kText : MessageKind::kBinary,
          .bytes = content};
}

}  // namespace polyport::http
