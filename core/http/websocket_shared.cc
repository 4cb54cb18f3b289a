#include "core/http/websocket_shared.h"

#include <algorithm>
#include <cstring>

#include "core/base/text.h"

namespace polyport::http {

namespace {

std::size_t head_size(std::size_t payload) {
  return payload < 126 ? 2 : payload <= 0xffff ? 4 : 10;
}

Payload framed(const FrameRun& run, Bytes content) {
  return Payload::build(run.size(content.size()), [&](char* out) { run.write(content, out); });
}

}  // namespace

// --- frames --------------------------------------------------------------------------------------

std::size_t FrameRun::size(std::size_t payload) const {
  if (max_frame == 0 || payload <= max_frame) return head_size(payload) + payload;
  const std::size_t full = payload / max_frame;
  const std::size_t rest = payload % max_frame;
  return full * head_size(max_frame) + (rest > 0 ? head_size(rest) : 0) + payload;
}

char* FrameRun::write(Bytes payload, char* out) const {
  const std::size_t most = max_frame == 0 ? payload.size() : max_frame;
  Opcode opcode = static_cast<Opcode>(kind);
  Compressed mark = compressed;
  do {
    const Bytes part = payload.substr(0, most);
    payload.remove_prefix(part.size());
    out = write_frame_head(opcode, part.size(), out, payload.empty() ? Final::kYes : Final::kNo,
                           mark);
    if (!part.empty()) std::memcpy(out, part.data(), part.size());
    out += part.size();
    opcode = Opcode::kContinuation;
    mark = Compressed::kNo;
  } while (!payload.empty());
  return out;
}

Bytes as_utf8(Bytes text, std::string& buffer) {
  Utf8Check check;  // eight bytes at a time where they are ASCII
  if (check.feed(text) && check.complete()) return text;
  buffer.clear();
  while (!text.empty()) {
    const std::size_t length = utf8_length(text, 0);
    buffer.append(length == 0 ? Bytes("\xef\xbf\xbd") : text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return buffer;
}

// --- one for many --------------------------------------------------------------------------------

SharedMessage::SharedMessage(MessageKind kind, Bytes content) : kind_(kind) {
  std::string repaired;
  if (kind == MessageKind::kText) content = as_utf8(content, repaired);
  head_bytes_ = static_cast<std::uint8_t>(head_size(content.size()));
  plain_ = framed({.kind = kind}, content);
}

const Payload& SharedMessage::compressed(WebSocketMemory& memory, int window_bits) {
  if (content().size() < kLeastCompressed) return plain_;
  Payload& payload =
      compressed_[static_cast<std::size_t>(window_bits - Deflater::kLeastWindowBits)];
  if (!payload.empty()) return payload;
  Deflater& deflater = memory.deflater(window_bits);
  deflater.reset();
  std::string packed;
  deflater.add_message(content(), packed);
  payload = packed.size() < content().size()
                ? framed({.kind = kind_, .compressed = Compressed::kYes}, packed)
                : plain_;
  return payload;
}

}  // namespace polyport::http
