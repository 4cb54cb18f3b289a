// SharedMessage: one WebSocket message to many connections.
//
// Its frame is built once, and once more compressed where a connection wants it so; every queue
// holds a reference to the same bytes. Kept for later (a chat's history), it costs nothing to send
// again.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "core/base/payload.h"
#include "core/http/websocket_message.h"

namespace polyport::http {

class SharedMessage {
 public:
  // Bytes of a text that are not UTF-8 become U+FFFD.
  SharedMessage(MessageKind kind, Bytes content);

  MessageKind kind() const { return kind_; }
  Bytes content() const { return plain_.bytes().substr(head_bytes_); }
  const Payload& plain() const { return plain_; }
  // As one that stands for itself, for a peer with that window; plain where that is not smaller.
  const Payload& compressed(WebSocketMemory& memory, int window_bits);

 private:
  MessageKind kind_;
  std::uint8_t head_bytes_;
  Payload plain_;
  std::array<Payload, Deflater::kMostWindowBits - Deflater::kLeastWindowBits + 1> compressed_;
};

// The text, with U+FFFD in place of each byte that is not UTF-8. `buffer` is used where there is
// one.
Bytes as_utf8(Bytes text, std::string& buffer);

// A whole message as frames of at most `max_frame` bytes of payload each, one where that is 0.
struct FrameRun {
  MessageKind kind = MessageKind::kText;
  Compressed compressed = Compressed::kNo;
  std::uint32_t max_frame = 0;

  std::size_t size(std::size_t payload) const;
  // Writes size() bytes.
  char* write(Bytes payload, char* out) const;
};

// Shorter messages are not worth compressing.
inline constexpr std::size_t kLeastCompressed = 64;

}  // namespace polyport::http
