#include "core/http/websocket_frame.h"

#include <cstring>

#include "core/base/assert.h"

namespace polyport::http {
namespace {

constexpr std::uint8_t kFinalBit = 0x80;
constexpr std::uint8_t kRsv1Bit = 0x40;
constexpr std::uint8_t kOtherRsvBits = 0x30;
constexpr std::uint8_t kMaskBit = 0x80;

constexpr Violation wrong(Bytes reason) {
  return {CloseCode::kProtocolError, reason};
}

constexpr Violation kReservedBits =
    wrong("a reserved bit is set that no extension gives a meaning");
constexpr Violation kReservedOpcode = wrong("a frame has a reserved opcode");
constexpr Violation kCompressedPart =
    wrong("RSV1 belongs on the first frame of a data message only");
constexpr Violation kFragmentedControl = wrong("a control frame must not be fragmented");
constexpr Violation kNothingToContinue = wrong("a continuation frame, and no message to continue");
constexpr Violation kMessageInMessage =
    wrong("a message begins before the last frame of the one before");
constexpr Violation kUnmasked = wrong("a client must mask its frames");
constexpr Violation kMasked = wrong("a server must not mask its frames");
constexpr Violation kLongControl = wrong("a control frame has more than 125 bytes");
constexpr Violation kLongForm = wrong("a length is not written in its shortest form");
constexpr Violation kHugeLength = wrong("a length has its highest bit set");

}  // namespace

// --- reading -------------------------------------------------------------------------------------

Violation FrameReader::read_head(Bytes& input) {
  POLYPORT_ASSERT(state_ == State::kHead);
  Violation violation;
  while (!input.empty() && state_ == State::kHead && !violation) {
    const auto byte = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    const std::size_t mask_from = 2 + length_bytes();
    if (at_ == 0) {
      violation = check_first(byte);
    } else if (at_ == 1) {
      violation = check_second(byte);
    } else if (at_ < mask_from) {
      left_ = left_ << 8 | byte;
      if (at_ == 2 && length_ == 127 && byte >= 0x80) violation = kHugeLength;
      if (at_ + 1u == mask_from && !violation) violation = check_length();
    } else {
      mask_[at_ - mask_from] = byte;
    }
    ++at_;
    const std::size_t whole = 2 + length_bytes() + (side_ == Side::kServer ? mask_.size() : 0);
    if (at_ >= 2 && at_ == whole && !violation) complete_head();
  }
  if (violation) state_ = State::kFailed;
  return violation;
}

Violation FrameReader::check_first(std::uint8_t byte) {
  first_ = byte;
  if ((byte & kOtherRsvBits) != 0) return kReservedBits;
  const bool compressed = (byte & kRsv1Bit) != 0;
  if (compressed && rsv1_ == Rsv1::kRefused) return kReservedBits;
  switch (opcode()) {
    case Opcode::kContinuation:
      if (compressed) return kCompressedPart;
      return in_message_ ? Violation{} : kNothingToContinue;
    case Opcode::kText:
    case Opcode::kBinary:
      return in_message_ ? kMessageInMessage : Violation{};
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      if (compressed) return kCompressedPart;
      return final() ? Violation{} : kFragmentedControl;
  }
  return kReservedOpcode;
}

Violation FrameReader::check_second(std::uint8_t byte) {
  length_ = byte & 0x7f;
  left_ = length_ < 126 ? length_ : 0;
  const bool masked = (byte & kMaskBit) != 0;
  if (side_ == Side::kServer && !masked) return kUnmasked;
  if (side_ == Side::kClient && masked) return kMasked;
  return is_control() && length_ > kMostControlBytes ? kLongControl : Violation{};
}

Violation FrameReader::check_length() const {
  const bool shorter_form = length_ == 126 ? left_ < 126 : left_ <= 0xffff;
  return shorter_form ? kLongForm : Violation{};
}

void FrameReader::complete_head() {
  at_ = mask_at_ = 0;
  state_ = State::kPayload;
  if (is_control()) return;
  if (opcode() != Opcode::kContinuation) {
    message_ = opcode();
    compressed_ = (first_ & kRsv1Bit) != 0;
  }
  in_message_ = !final();
}

Bytes FrameReader::take_payload(Bytes& input, std::size_t most) {
  POLYPORT_ASSERT(state_ == State::kPayload);
  if (most > left_) most = static_cast<std::size_t>(left_);
  const Bytes piece = input.substr(0, most);
  input.remove_prefix(piece.size());
  left_ -= piece.size();
  if (left_ == 0) state_ = State::kHead;
  return piece;
}

void FrameReader::unmask(Bytes piece, char* out) {
  if (side_ == Side::kClient) {
    if (!piece.empty() && out != piece.data()) std::memmove(out, piece.data(), piece.size());
    return;
  }
  // The mask as it applies to the next eight bytes, whatever the order of bytes of this machine.
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = mask_[(mask_at_ + i) % 4];
  std::uint64_t key = 0;
  std::memcpy(&key, bytes.data(), sizeof key);
  std::size_t at = 0;
  for (; at + 8 <= piece.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, piece.data() + at, sizeof word);
    word ^= key;
    std::memcpy(out + at, &word, sizeof word);
  }
  for (; at < piece.size(); ++at)
    out[at] = static_cast<char>(static_cast<std::uint8_t>(piece[at]) ^ bytes[at % 8]);
  mask_at_ = static_cast<std::uint8_t>((mask_at_ + piece.size()) % 4);
}

// --- writing -------------------------------------------------------------------------------------

char* write_frame_head(Opcode opcode, std::uint64_t length, char* out, Final final,
                       Compressed compressed) {
  const auto put = [&out](std::uint64_t byte) { *out++ = static_cast<char>(byte & 0xff); };
  put((final == Final::kYes ? kFinalBit : 0u) | (compressed == Compressed::kYes ? kRsv1Bit : 0u) |
      static_cast<std::uint8_t>(opcode));
  if (length < 126) {
    put(length);
    return out;
  }
  const int bytes = length <= 0xffff ? 2 : 8;
  put(bytes == 2 ? 126u : 127u);
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    put(length >> shift);
  return out;
}

char* write_client_frame_head(Opcode opcode, std::uint64_t length, const Mask& mask, char* out) {
  char* const end = write_frame_head(opcode, length, out);
  out[1] = static_cast<char>(static_cast<std::uint8_t>(out[1]) | kMaskBit);
  std::memcpy(end, mask.data(), mask.size());
  return end + mask.size();
}

void mask_bytes(Bytes piece, const Mask& mask, std::uint64_t offset, char* out) {
  for (std::size_t i = 0; i < piece.size(); ++i)
    out[i] = static_cast<char>(static_cast<std::uint8_t>(piece[i]) ^ mask[(offset + i) % 4]);
}

}  // namespace polyport::http
