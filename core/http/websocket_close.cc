#include "core/http/websocket_close.h"

#include <cstring>

#include "core/base/text.h"

namespace polyport::http {
namespace {

constexpr Violation kShortClose{CloseCode::kProtocolError, "a close frame has half a code"};
constexpr Violation kBadCode{CloseCode::kProtocolError,
                             "a close frame has a code that must not be sent"};
constexpr Violation kBadReason{CloseCode::kInvalidData, "the reason of a close frame is not UTF-8"};

}  // namespace

bool may_be_sent(CloseCode code) {
  const auto number = static_cast<std::uint16_t>(code);
  if (number >= 3000 && number < 5000) return true;  // libraries and private use
  return number >= 1000 && number <= 1014 && number != 1004 && number != 1005 && number != 1006;
}

Violation parse_close(Bytes payload, ClosePayload& close) {
  close = {};
  if (payload.empty()) return {};
  if (payload.size() == 1) return kShortClose;
  const auto high = static_cast<std::uint8_t>(payload[0]);
  const auto low = static_cast<std::uint8_t>(payload[1]);
  close.code = static_cast<CloseCode>(high << 8 | low);
  close.reason = payload.substr(2);
  if (!may_be_sent(close.code)) return kBadCode;
  return is_utf8(close.reason) ? Violation{} : kBadReason;
}

char* write_close(CloseCode code, Bytes reason, char* out) {
  if (code == CloseCode::kNoStatus) return out;
  const auto number = static_cast<std::uint16_t>(code);
  *out++ = static_cast<char>(number >> 8);
  *out++ = static_cast<char>(number & 0xff);
  std::size_t size = reason.size();
  if (size > kMostReasonBytes) {
    size = kMostReasonBytes;
    while (size > 0 && (static_cast<std::uint8_t>(reason[size]) & 0xc0) == 0x80)
      --size;
  }
  if (size > 0) std::memcpy(out, reason.data(), size);
  return out + size;
}

}  // namespace polyport::http
