// WebSocket frames (RFC 6455 section 5): reading their heads as the bytes arrive, and writing them.
//
// FrameReader judges everything that a frame's head can be wrong in, at the first byte that shows
// it, and counts payloads off; it holds no payload, allocates nothing and has 32 bytes of state at
// most. What a message may hold (size, UTF-8, compression) is MessageReader's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/http/websocket_close.h"

namespace polyport::http {

enum class Opcode : std::uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

inline constexpr std::size_t kMostHeadBytes = 10;  // of an unmasked frame

class FrameReader {
 public:
  // Who reads: a server takes masked frames only, a client unmasked ones only.
  enum class Side : std::uint8_t { kServer, kClient };
  // Whether RSV1 may mark a compressed message (RFC 7692).
  enum class Rsv1 : std::uint8_t { kRefused, kCompressed };
  enum class State : std::uint8_t { kHead, kPayload, kFailed };

  FrameReader(Side side, Rsv1 rsv1) : side_(side), rsv1_(rsv1) {}

  State state() const { return state_; }
  // In state kHead: takes bytes of the head off the front of `input`. Where the head is complete
  // the state is kPayload, also for a payload of no bytes; where it is wrong, kFailed for good.
  Violation read_head(Bytes& input);
  // In state kPayload: takes at most `most` bytes of the payload off the front of `input`. With the
  // last one the state is kHead again. Still masked: unmask() them before the next call.
  Bytes take_payload(Bytes& input, std::size_t most);
  // Writes what take_payload() returned last to `out`, unmasked; `out` may be where the bytes lie.
  void unmask(Bytes piece, char* out);

  // --- the frame whose head was read last --------------------------------------------------------
  Opcode opcode() const { return static_cast<Opcode>(first_ & 0x0f); }
  bool is_control() const { return (first_ & 0x08) != 0; }
  bool final() const { return (first_ & 0x80) != 0; }
  std::uint64_t left() const { return left_; }  // bytes of its payload still to be taken

  // --- the message its data belongs to -----------------------------------------------------------
  Opcode message() const { return message_; }  // kText or kBinary
  bool compressed() const { return compressed_; }
  // A message has begun and its last frame's head has not come.
  bool in_message() const { return in_message_; }

 private:
  Violation check_first(std::uint8_t byte);
  Violation check_second(std::uint8_t byte);
  Violation check_length() const;
  void complete_head();

  std::size_t length_bytes() const { return length_ < 126 ? 0 : length_ == 126 ? 2 : 8; }

  std::uint64_t left_ = 0;
  std::array<std::uint8_t, 4> mask_{};
  std::uint8_t at_ = 0;       // bytes of the head read
  std::uint8_t first_ = 0;    // its first byte
  std::uint8_t length_ = 0;   // the seven bits of its second
  std::uint8_t mask_at_ = 0;  // which byte of the mask is next
  Opcode message_ = Opcode::kText;
  Side side_;
  Rsv1 rsv1_;
  State state_ = State::kHead;
  bool in_message_ = false;
  bool compressed_ = false;
};
static_assert(sizeof(FrameReader) <= 32, "an idle connection carries one");

enum class Final : std::uint8_t { kYes, kNo };
enum class Compressed : std::uint8_t { kNo, kYes };

using Mask = std::array<std::uint8_t, 4>;
inline constexpr std::size_t kMostClientHeadBytes = kMostHeadBytes + 4;
// Writes the head of a client's frame, at most kMostClientHeadBytes; returns its end. The payload
// must be masked with the same bytes.
char* write_client_frame_head(Opcode opcode, std::uint64_t length, const Mask& mask, char* out);
// Masks a piece of a payload that begins `offset` bytes into it (section 5.3).
void mask_bytes(Bytes piece, const Mask& mask, std::uint64_t offset, char* out);

// Writes the head of an unmasked frame, at most kMostHeadBytes; returns its end.
char* write_frame_head(Opcode opcode, std::uint64_t length, char* out, Final final = Final::kYes,
                       Compressed compressed = Compressed::kNo);

}  // namespace polyport::http
