// MessageReader: from the bytes of a WebSocket connection to whole messages (RFC 6455 sections 5 to
// 8, RFC 7692 section 7.2.2), without a socket.
//
// Puts fragments together, inflates, and holds everything against the limits and against UTF-8 as
// the bytes come: what is wrong is known before the rest of its frame has arrived. Between messages
// it owns no memory, unless the peer's messages may refer to those before them.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/utf8_check.h"
#include "core/http/websocket_frame.h"
#include "core/http/websocket_memory.h"

namespace polyport::http {

enum class MessageKind : std::uint8_t { kText = 1, kBinary = 2 };

struct MessageLimits {
  std::uint32_t max_message = 1024 * 1024;   // bytes, inflated; 1009 beyond
  std::uint32_t max_frame = 0;               // bytes of one frame as it comes; 1009; 0: no limit
  std::uint32_t max_fragments = 128 * 1024;  // of one message; 1008
};

class MessageReader {
 public:
  enum class Takes : std::uint8_t { kBoth, kText, kBinary };  // 1003 for the other kind
  enum class Inflate : std::uint8_t { kOff, kSingleMessages, kContext };

  struct Setup {
    MessageLimits limits;
    Takes takes = Takes::kBoth;
    Inflate inflate = Inflate::kOff;
    FrameReader::Side side = FrameReader::Side::kServer;
  };

  struct Event {
    enum class Kind : std::uint8_t {
      kNeedMore,   // the input is used up
      kProgress,   // nothing yet, but there is more to be done: a good place to let others run
      kMessage,    // `message`, `bytes`
      kPing,       // `bytes`
      kPong,       // `bytes`
      kClose,      // `code`, the reason in `bytes`; whatever follows is dropped
      kViolation,  // `code`, what is wrong in `bytes`; whatever follows is dropped
    };
    Kind kind = Kind::kNeedMore;
    MessageKind message = MessageKind::kText;
    CloseCode code = CloseCode::kNoStatus;
    Bytes bytes;  // valid until the next call
  };

  // `memory` outlives the reader.
  MessageReader(WebSocketMemory& memory, const Setup& setup);
  ~MessageReader();
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  // Takes bytes off the front of `input` up to the next event. To be called until it is kNeedMore.
  Event next(Bytes& input);

  // A message or a control frame is half done.
  bool half_done() const { return draft_ != nullptr || frames_.left() > 0; }
  // Of the message that is half done: its bytes so far, and what is kept for them.
  std::size_t half_bytes() const { return draft_ ? draft_->content.size() : 0; }
  std::size_t held_bytes() const { return draft_ ? draft_->content.capacity() : 0; }
  // Gives it back at once. Nothing may be read any more.
  void abandon();

 private:
  Event take_head(Bytes& input);
  Event begin_data(Bytes& input);
  Event take_data(Bytes& input);
  Event take_control(Bytes& input);
  Event control_event(Bytes payload);
  Event inflate(Bytes piece);
  Event check_new(std::size_t before, Inflater::Result result);
  Event finish_message();
  Event message(Bytes content);
  Event violate(Violation violation);
  bool is_text() const { return frames_.message() == Opcode::kText; }
  Draft& draft();
  Inflater& inflater();
  // Gives back what the last event showed.
  void release();

  WebSocketMemory& memory_;
  std::unique_ptr<Draft> draft_;
  std::unique_ptr<Inflater> inflater_;
  FrameReader frames_;
  MessageLimits limits_;
  Utf8Check utf8_;
  Takes takes_;
  Inflate inflate_;
  bool done_ = false;     // a close frame or a violation has come
  bool release_ = false;  // the last event showed a whole message
};

}  // namespace polyport::http
