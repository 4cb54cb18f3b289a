// Our reader of WebSocket messages against wslay's, over random streams of frames that are mostly
// right. Where the two differ the difference is one of those listed at agreed(), or a defect.
#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

#include "core/http/websocket_message.h"
#include "tests/support/catch.h"
#include "tests/support/message_log.h"
#include "tests/support/websocket_frames.h"

using namespace polyport;
using namespace polyport::http;
using polyport::test::close_frame;
using polyport::test::frame;
using polyport::test::FrameSpec;
using polyport::test::SeenEvent;

namespace {

constexpr std::uint32_t kMostMessage = 500;
constexpr std::size_t kWslayBuffer = 4096;  // what it reads at once

// What a reader makes of a stream: its events as text, and how it ended.
struct Reading {
  std::string events;
  enum class End { kOpen, kClosed, kFailed } end = End::kOpen;
  int code = 0;        // of kClosed what the peer said, of kFailed what it is told; 1005: nothing
  std::string reason;  // of kFailed, ours only
};

void add_event(std::string& events, int opcode, std::string_view bytes) {
  events += std::to_string(opcode) + " " + std::string(bytes) + "\n";
}

// --- ours ----------------------------------------------------------------------------------------

Reading ours(const std::string& stream, std::mt19937& random) {
  WebSocketMemory memory;
  MessageReader::Setup setup;
  setup.limits.max_message = kMostMessage;
  Reading reading;
  for (const SeenEvent& event :
       polyport::test::read_messages(memory, setup, stream, [&] { return 1 + random() % 50; })) {
    using Kind = MessageReader::Event::Kind;
    if (event.kind == Kind::kMessage) {
      add_event(reading.events, static_cast<int>(event.message), event.bytes);
    } else if (event.kind == Kind::kPing || event.kind == Kind::kPong) {
      add_event(reading.events, event.kind == Kind::kPing ? 9 : 10, event.bytes);
    } else {
      reading.end = event.kind == Kind::kClose ? Reading::End::kClosed : Reading::End::kFailed;
      reading.code = static_cast<int>(event.code);
      reading.reason = event.bytes;
    }
  }
  return reading;
}

// --- wslay's -------------------------------------------------------------------------------------

class Wslay {
 public:
  // It gets the stream at once: in pieces, wslay 1.1.1 refuses a close frame whose reason is beyond
  // ASCII, whole or not.
  explicit Wslay(const std::string& stream) : rest_(stream) {
    wslay_event_callbacks callbacks{};
    callbacks.recv_callback = [](wslay_event_context_ptr context, std::uint8_t* buffer,
                                 std::size_t size, int, void* self) {
      return static_cast<Wslay*>(self)->give(context, buffer, size);
    };
    callbacks.send_callback = [](wslay_event_context_ptr, const std::uint8_t*, std::size_t size,
                                 int, void*) { return static_cast<ssize_t>(size); };
    callbacks.on_msg_recv_callback = [](wslay_event_context_ptr,
                                        const wslay_event_on_msg_recv_arg* message,
                                        void* self) { static_cast<Wslay*>(self)->note(*message); };
    REQUIRE(wslay_event_context_server_init(&context_, &callbacks, this) == 0);
    wslay_event_config_set_max_recv_msg_length(context_, kMostMessage);
  }
  ~Wslay() { wslay_event_context_free(context_); }

  Reading read() {
    bool broken = false;
    while (!rest_.empty() && wslay_event_get_read_enabled(context_) && !broken)
      broken = wslay_event_recv(context_) != 0;
    wslay_event_send(context_);
    if (reading_.end == Reading::End::kOpen && (broken || wslay_event_get_close_sent(context_))) {
      reading_.end = Reading::End::kFailed;
      reading_.code = broken ? 1005 : wslay_event_get_status_code_sent(context_);
    }
    return reading_;
  }

 private:
  ssize_t give(wslay_event_context_ptr context, std::uint8_t* buffer, std::size_t size) {
    if (rest_.empty()) {
      wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
      return -1;
    }
    size = std::min(size, rest_.size());
    std::memcpy(buffer, rest_.data(), size);
    rest_.remove_prefix(size);
    return static_cast<ssize_t>(size);
  }

  void note(const wslay_event_on_msg_recv_arg& message) {
    const std::string_view bytes(reinterpret_cast<const char*>(message.msg), message.msg_length);
    if (message.opcode == 8) {
      reading_.end = Reading::End::kClosed;
      reading_.code = message.status_code == 0 ? 1005 : message.status_code;
    } else {
      add_event(reading_.events, message.opcode, bytes);
    }
  }

  wslay_event_context_ptr context_ = nullptr;
  std::string_view rest_;
  Reading reading_;
};

// --- streams -------------------------------------------------------------------------------------

std::string random_text(std::mt19937& random) {
  static const char* const kPieces[] = {
      "a", "bc ", "\xc3\xa9", "\xe2\x82\xac", "word", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\n"};
  std::string text;
  for (auto count = random() % 40; count > 0; --count)
    text += kPieces[random() % std::size(kPieces)];
  // One in eight is cut somewhere, perhaps inside a character; one in sixteen has a wrong byte.
  if (random() % 8 == 0 && !text.empty()) text.resize(random() % text.size());
  if (random() % 16 == 0 && !text.empty()) {
    text[random() % text.size()] = static_cast<char>(random());
  }
  return text;
}

// A frame that is mostly right for where the stream stands.
std::string random_frame(std::mt19937& random, bool& in_message) {
  static constexpr int kCodes[] = {1000, 1001, 1002, 1003, 1007, 1009, 1011, 3000, 4999,
                                   1004, 1005, 1006, 999,  1012, 1013, 1015, 5000};
  FrameSpec spec;
  spec.mask = static_cast<std::uint32_t>(random());
  const auto choice = random() % 20;
  if (choice == 0) {
    spec.opcode = 8;
    spec.payload = close_frame(kCodes[random() % std::size(kCodes)], random_text(random));
    spec.payload = polyport::test::parse_frames(spec.payload)[0].payload.substr(0, 125);
    if (random() % 8 == 0) spec.payload.resize(random() % 3 % (spec.payload.size() + 1));
  } else if (choice < 5) {
    spec.opcode = choice % 2 == 0 ? 9 : 10;
    spec.payload = random_text(random).substr(0, 125);
  } else {
    spec.opcode = in_message ? 0 : 1 + static_cast<int>(random() % 2);
    spec.final = random() % 3 != 0;
    spec.payload = random_text(random);
    in_message = !spec.final;
  }
  switch (random() % 60) {  // and now and then wrong
    case 0:
      spec.opcode = static_cast<int>(random() % 16);
      break;
    case 1:
      spec.rsv = static_cast<int>(random() % 8);
      break;
    case 2:
      spec.masked = false;
      break;
    case 3:
      spec.final = !spec.final;
      break;
    case 4:
      spec.length_form = random() % 2 == 0 ? 2 : 8;
      break;
    case 5:
      spec.payload.resize(kMostMessage - 30 + random() % 60, 'x');
      break;
    default:
      break;
  }
  return frame(spec);
}

// --- the comparison ------------------------------------------------------------------------------

// The differences that are meant; empty where there is none.
std::string agreed(const Reading& we, const Reading& they) {
  const bool we_failed = we.end == Reading::End::kFailed;
  // 1. What its frame layer finds wslay ends without saying why: lengths that are not in their
  // shortest form or have 64 bits, control frames that are fragmented or have more than 125 bytes,
  // whatever else is wrong with the frame. We say 1002.
  if (we_failed && we.code == 1002 && they.end == Reading::End::kFailed && they.code == 1005) {
    return "no status";
  }
  // 2. It takes half a close code for none at all.
  if (we_failed && we.code == 1002 && we.reason.find("half a code") != std::string::npos &&
      they.end == Reading::End::kClosed && they.code == 1005) {
    return "half a code";
  }
  // 3. The registry has 1012, 1013 and 1014 since wslay was written.
  if (we.end == Reading::End::kClosed && we.code >= 1012 && we.code <= 1014 &&
      they.end == Reading::End::kFailed && they.code == 1002) {
    return "newer close code";
  }
  // 4. Of a close frame whose code and whose reason are both wrong we name the code.
  if (we_failed && we.code == 1002 && we.reason.find("must not be sent") != std::string::npos &&
      they.end == Reading::End::kFailed && they.code == 1007) {
    return "two faults";
  }
  return {};
}

}  // namespace

TEST_CASE("differential: random streams are read as wslay reads them") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  std::map<std::string, int> differences;
  std::map<int, int> failures;
  int closed = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string stream;
    bool in_message = false;
    // Whole frames: how early a fault is seen in half of one is another matter.
    for (auto frames = 1 + random() % 12; frames > 0; --frames) {
      const std::string next = random_frame(random, in_message);
      if (stream.size() + next.size() <= kWslayBuffer) stream += next;
    }
    const Reading we = ours(stream, random);
    const Reading they = Wslay(stream).read();
    if (we.events != they.events) {
      CAPTURE(i, we.end, we.code, we.reason, they.end, they.code);
      REQUIRE(we.events == they.events);
    }
    closed += we.end == Reading::End::kClosed ? 1 : 0;
    if (we.end == Reading::End::kFailed) ++failures[we.code];
    if (we.end == they.end && we.code == they.code) continue;
    const std::string difference = agreed(we, they);
    CAPTURE(i, we.end, we.code, we.reason, they.end, they.code, we.events);
    REQUIRE_FALSE(difference.empty());
    ++differences[difference];
  }
  // The streams were worth it: every verdict and every agreed difference came up.
  CHECK(closed > 50);
  CHECK(failures[1002] > 50);
  CHECK(failures[1007] > 50);
  CHECK(failures[1009] > 5);
  CHECK(differences["no status"] > 5);
  CHECK(differences["half a code"] > 0);
  CHECK(differences["newer close code"] > 0);
}
