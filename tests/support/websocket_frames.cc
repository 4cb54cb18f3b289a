#include "tests/support/websocket_frames.h"

#include <utility>

namespace polyport::test {
namespace {

// Big-endian.
void append_number(std::string& bytes, std::uint64_t number, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    bytes += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes)
    number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

}  // namespace

std::string frame_head(const FrameSpec& spec, std::uint64_t length) {
  std::string bytes;
  append_number(bytes,
                (spec.final ? 0x80u : 0u) | static_cast<unsigned>(spec.rsv) << 4 |
                    static_cast<unsigned>(spec.opcode),
                1);
  int form = spec.length_form;
  if (form == 0 && length > 125) form = length > 0xffff ? 8 : 2;
  const std::uint64_t short_length = form == 0 ? length : form == 2 ? 126 : 127;
  append_number(bytes, (spec.masked ? 0x80u : 0u) | short_length, 1);
  if (form != 0) append_number(bytes, length, form);
  if (spec.masked) append_number(bytes, spec.mask, 4);
  return bytes;
}

std::string frame(const FrameSpec& spec) {
  std::string bytes = frame_head(spec, spec.payload.size());
  std::size_t at = 0;
  for (const char byte : spec.payload) {
    const std::uint32_t key = spec.masked ? spec.mask >> (24 - 8 * (at++ % 4)) & 0xff : 0;
    bytes += static_cast<char>(static_cast<std::uint8_t>(byte) ^ key);
  }
  return bytes;
}

std::string text_frame(std::string payload) {
  return frame({.payload = std::move(payload)});
}

std::string close_frame(int code, std::string reason) {
  std::string payload;
  append_number(payload, static_cast<std::uint64_t>(code), 2);
  return frame({.opcode = 8, .payload = payload + reason});
}

std::vector<ParsedFrame> parse_frames(std::string_view bytes, std::string* rest) {
  std::vector<ParsedFrame> frames;
  for (;;) {
    if (rest != nullptr) *rest = bytes;
    if (bytes.size() < 2) return frames;
    const auto first = static_cast<std::uint8_t>(bytes[0]);
    const auto second = static_cast<std::uint8_t>(bytes[1]);
    const bool masked = (second & 0x80) != 0;
    const std::size_t form = (second & 0x7f) < 126 ? 0 : (second & 0x7f) == 126 ? 2 : 8;
    const std::size_t head = 2 + form + (masked ? 4 : 0);
    if (bytes.size() < head) return frames;
    const std::uint64_t length = form == 0 ? second & 0x7fu : read_number(bytes.substr(2, form));
    if (bytes.size() - head < length) return frames;
    std::string payload(bytes.substr(head, length));
    for (std::size_t i = 0; masked && i < payload.size(); ++i)
      payload[i] = static_cast<char>(payload[i] ^ bytes[head - 4 + i % 4]);
    frames.push_back(
        {(first & 0x80) != 0, first & 0x0f, first >> 4 & 7, masked, std::move(payload)});
    bytes.remove_prefix(head + length);
  }
}

}  // namespace polyport::test
