// Fuzzes what a WebSocket client sends, handshake headers and frames. Beside crashes it looks for a
// verdict that depends on how the bytes came, for text that is not UTF-8 and for messages over the
// limit.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/http/websocket_handshake.h"
#include "tests/support/message_log.h"

using namespace polyport;
using namespace polyport::http;
using polyport::test::read_messages;

namespace {

constexpr std::uint32_t kMostMessage = 3000;

void read_frames(Bytes input, std::uint8_t choice) {
  static WebSocketMemory memory;
  MessageReader::Setup setup;
  setup.limits = {.max_message = kMostMessage, .max_frame = 0, .max_fragments = 20};
  if ((choice & 1) != 0) setup.limits.max_frame = 1000;
  setup.inflate = static_cast<MessageReader::Inflate>((choice >> 1 & 3) % 3);
  setup.takes = static_cast<MessageReader::Takes>((choice >> 3) % 3);
  if ((choice & 64) != 0) setup.side = FrameReader::Side::kClient;

  const auto whole = read_messages(memory, setup, input, [&] { return input.size(); });
  POLYPORT_ASSERT(read_messages(memory, setup, input, [] { return 1u; }) == whole);
  std::size_t at = choice;
  POLYPORT_ASSERT(
      read_messages(memory, setup, input, [&] { return 1 + (at = at * 31 + 7) % 61; }) == whole);
  using Kind = MessageReader::Event::Kind;
  for (const auto& event : whole) {
    const bool last = event.kind == Kind::kClose || event.kind == Kind::kViolation;
    POLYPORT_ASSERT(!last || &event == &whole.back());
    if (event.kind == Kind::kMessage) {
      POLYPORT_ASSERT(event.bytes.size() <= kMostMessage);
      POLYPORT_ASSERT(event.message == MessageKind::kBinary || is_utf8(event.bytes));
    } else if (event.kind == Kind::kViolation) {
      POLYPORT_ASSERT(may_be_sent(event.code));
    } else {
      POLYPORT_ASSERT(event.bytes.size() <= kMostControlBytes);
    }
  }
}

void shake_hands(Bytes input, std::uint8_t choice) {
  const std::size_t first = input.find('\n');
  const Bytes protocols = input.substr(0, first);
  const Bytes extensions = first == Bytes::npos ? Bytes{} : input.substr(first + 1);
  const Header headers[] = {
      {"Upgrade", "websocket"},
      {"Connection", (choice & 1) != 0 ? protocols : Bytes("Upgrade")},
      {"Sec-WebSocket-Key", (choice & 2) != 0 ? protocols : "dGhlIHNhbXBsZSBub25jZQ=="},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Protocol", protocols},
      {"Sec-WebSocket-Extensions", extensions}};
  const Request request{.method = "GET", .headers = headers};
  constexpr std::string_view kProtocols[] = {"chat", "lines"};
  const WebSocketHandshake handshake =
      check_websocket_handshake(request, kProtocols, static_cast<Deflate>((choice >> 3) % 3));
  POLYPORT_ASSERT(handshake.status != 101 || handshake.accept.size() == 28);
  POLYPORT_ASSERT(handshake.status == 101 || !handshake.detail.empty());
  POLYPORT_ASSERT(handshake.deflate.on == !handshake.deflate.answer.empty());
}

}  // namespace

// The first byte chooses what is fuzzed and how it is set up.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 128) != 0) {
    shake_hands(input, data[0]);
  } else {
    read_frames(input, data[0]);
  }
  return 0;
}
