// Why a WebSocket connection ends: close codes, what a peer did wrong, and the payload of a close
// frame (RFC 6455 sections 5.5.1 and 7.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace polyport::http {

// Why a connection ends (RFC 6455 section 7.4.1 and the IANA registry). Other numbers may come from
// a peer.
enum class CloseCode : std::uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kProtocolError = 1002,
  kUnsupported = 1003,  // a kind of message this end does not take
  kNoStatus = 1005,     // never sent: the close frame had none
  kAbnormal = 1006,     // never sent: the connection ended without a close frame
  kInvalidData = 1007,  // text that is not UTF-8, bytes that do not inflate
  kPolicy = 1008,
  kTooBig = 1009,
  kInternalError = 1011,
  kTryAgainLater = 1013,
};

// Whether a close frame may carry it.
bool may_be_sent(CloseCode code);

// What is wrong with what the peer sent; true in a condition. `reason` fits a close frame.
struct Violation {
  CloseCode code = CloseCode::kNoStatus;
  Bytes reason;
  explicit operator bool() const { return !reason.empty(); }
};

inline constexpr std::size_t kMostControlBytes = 125;  // payload of a control frame
inline constexpr std::size_t kMostReasonBytes = 123;   // of a close frame, behind its code

// What a close frame says. `reason` is a view into the payload.
struct ClosePayload {
  CloseCode code = CloseCode::kNoStatus;
  Bytes reason;
};
// Reads the payload of a close frame (section 5.5.1): nothing at all, or a code that may be sent
// and a reason in UTF-8.
Violation parse_close(Bytes payload, ClosePayload& close);
// Writes one: the code and as much of `reason` as fits without cutting a character, at most
// kMostControlBytes. kNoStatus writes nothing. Returns its end.
char* write_close(CloseCode code, Bytes reason, char* out);

}  // namespace polyport::http
