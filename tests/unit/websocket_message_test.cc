// Messages out of frames: every way a connection can go wrong with its close code (RFC 6455 section
// 7.4.1), limits one below and one above, compression; each case whole, byte by byte and in random
// pieces.
#include <random>

#include "core/http/websocket_message.h"
#include "tests/support/catch.h"
#include "tests/support/message_log.h"
#include "tests/support/websocket_frames.h"

using namespace polyport;
using namespace polyport::http;
using polyport::test::close_frame;
using polyport::test::frame;
using polyport::test::frame_head;
using polyport::test::FrameSpec;
using polyport::test::read_messages;
using polyport::test::SeenEvent;
using polyport::test::text_frame;

namespace {

using Kind = MessageReader::Event::Kind;
using Setup = MessageReader::Setup;

// One line an event: "text Hello", "ping x", "close 1000 bye", "violation 1002".
std::string summary(const std::vector<SeenEvent>& events) {
  std::string text;
  for (const SeenEvent& event : events) {
    const std::string code = std::to_string(static_cast<int>(event.code));
    const std::string bytes =
        event.bytes.size() > 60 ? "#" + std::to_string(event.bytes.size()) : event.bytes;
    if (!text.empty()) text += "\n";
    if (event.kind == Kind::kMessage) {
      text += (event.message == MessageKind::kText ? "text " : "binary ") + bytes;
    } else if (event.kind == Kind::kPing || event.kind == Kind::kPong) {
      text += (event.kind == Kind::kPing ? "ping " : "pong ") + bytes;
    } else if (event.kind == Kind::kClose) {
      text += "close " + code + " " + bytes;
    } else {
      CHECK(bytes.size() <= kMostReasonBytes);
      text += "violation " + code;
    }
  }
  return text;
}

std::string read(const std::string& bytes, const Setup& setup = {}) {
  WebSocketMemory memory;
  const auto whole = read_messages(memory, setup, bytes, [&] { return bytes.size(); });
  if (bytes.size() < 200'000) {
    CHECK(read_messages(memory, setup, bytes, [] { return 1u; }) == whole);
  }
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 5; ++i) {
    const std::size_t most = i == 0 ? 3 : 1 + bytes.size() / 3;
    CHECK(read_messages(memory, setup, bytes, [&] { return 1 + random() % most; }) == whole);
  }
  return summary(whole);
}

std::string compressed(Bytes content) {
  Deflater deflater;
  std::string packed;
  deflater.add_message(content, packed);
  return packed;
}

std::string compressed_frame(Bytes content, int opcode = 1) {
  return frame({.opcode = opcode, .payload = compressed(content), .rsv = 4});
}

const Setup kDeflate{.inflate = MessageReader::Inflate::kSingleMessages};
const Setup kContext{.inflate = MessageReader::Inflate::kContext};

}  // namespace

TEST_CASE("messages: one frame each, control frames, a close") {
  CHECK(read(text_frame("Hello") + frame({.opcode = 2, .payload = "\xff\xfe"}) + text_frame("") +
             frame({.opcode = 9, .payload = "p"}) + frame({.opcode = 10}) +
             close_frame(1000, "bye")) ==
        "text Hello\nbinary \xff\xfe\ntext \nping p\npong \nclose 1000 bye");
}

TEST_CASE("messages: fragments with control frames between them (section 5.4)") {
  CHECK(read(frame({.final = false, .opcode = 1, .payload = "fragment"}) +
             frame({.opcode = 9, .payload = "between"}) +
             frame({.final = false, .opcode = 0, .payload = ""}) +
             frame({.opcode = 10, .payload = std::string(125, 'x')}) +
             frame({.opcode = 0, .payload = "ation"}) + text_frame("next")) ==
        "ping between\npong #125\ntext fragmentation\ntext next");
  CHECK(read(frame({.final = false, .opcode = 2}) + frame({.opcode = 0})) == "binary ");
}

TEST_CASE("messages: lengths at the edges of their forms") {
  for (const std::size_t size : {125u, 126u, 127u, 65535u, 65536u, 65537u, 200'000u}) {
    CHECK(read(text_frame(std::string(size, 'x')) + text_frame("y")) ==
          "text #" + std::to_string(size) + "\ntext y");
  }
}

TEST_CASE("messages: after a close or a violation nothing counts") {
  CHECK(read(close_frame(1000) + text_frame("late") + "\xff\xff") == "close 1000 ");
  CHECK(read(frame({.opcode = 3}) + text_frame("late")) == "violation 1002");
  CHECK(read(frame({.opcode = 8}) + text_frame("late")) == "close 1005 ");
  // A close in the middle of a message ends it.
  CHECK(read(frame({.final = false, .opcode = 1, .payload = "a"}) + close_frame(1001) +
             frame({.opcode = 0, .payload = "b"})) == "close 1001 ");
}

TEST_CASE("messages: close frames that are wrong") {
  CHECK(read(frame({.opcode = 8, .payload = "\x03"})) == "violation 1002");
  CHECK(read(close_frame(1005)) == "violation 1002");
  CHECK(read(close_frame(999)) == "violation 1002");
  CHECK(read(close_frame(1000, "\xff")) == "violation 1007");
  CHECK(read(close_frame(4999, std::string(123, 'x'))) == "close 4999 #123");
}

TEST_CASE("messages: text that is not UTF-8 is met at its byte") {
  CHECK(read(text_frame("a\xff")) == "violation 1007");
  CHECK(read(text_frame("cut \xe2\x82")) == "violation 1007");
  CHECK(read(frame({.opcode = 2, .payload = "\xff"})) == "binary \xff");
  // A character over two fragments is fine, and a fragment of half a character is known as wrong
  // before the next comes.
  CHECK(read(frame({.final = false, .opcode = 1, .payload = "\xe2\x82"}) +
             frame({.opcode = 0, .payload = "\xac"})) == "text \xe2\x82\xac");
  CHECK(read(frame({.final = false, .opcode = 1, .payload = "\xe2\x82"}) +
             frame({.opcode = 0, .payload = "x"})) == "violation 1007");
  CHECK(read(frame({.final = false, .opcode = 1, .payload = "\xed\xa0"})) == "violation 1007");
  // Fail fast: the frame has a million bytes, and only its third has to come.
  const std::string head = frame_head({.opcode = 1, .mask = 0}, 1'000'000);
  CHECK(read(head + "ab\xff") == "violation 1007");
  CHECK(read(head + "abc").empty());
}

TEST_CASE("messages: a size over the limit is known from the head") {
  Setup setup;
  setup.limits.max_message = 1000;
  CHECK(read(text_frame(std::string(1000, 'x')), setup) == "text #1000");
  CHECK(read(frame_head({.opcode = 1}, 1001), setup) == "violation 1009");
  CHECK(read(frame_head({.opcode = 1}, UINT64_MAX / 2), setup) == "violation 1009");
  const std::string half = frame({.final = false, .opcode = 2, .payload = std::string(600, 'x')});
  CHECK(read(half + frame({.opcode = 0, .payload = std::string(400, 'y')}), setup) ==
        "binary #1000");
  CHECK(read(half + frame_head({.opcode = 0}, 401), setup) == "violation 1009");
  CHECK(read(half + frame_head({.final = false, .opcode = 0}, UINT64_MAX / 2), setup) ==
        "violation 1009");
}

TEST_CASE("messages: frames and fragments have limits of their own") {
  Setup setup;
  setup.limits.max_frame = 100;
  CHECK(read(text_frame(std::string(100, 'x')), setup) == "text #100");
  CHECK(read(frame_head({.opcode = 1}, 101), setup) == "violation 1009");
  setup.limits.max_fragments = 3;
  std::string fragments = frame({.final = false, .opcode = 1});
  fragments += frame({.final = false, .opcode = 0});
  CHECK(read(fragments + frame({.opcode = 0}), setup) == "text ");
  CHECK(read(fragments + frame({.final = false, .opcode = 0}) + frame({.opcode = 0}), setup) ==
        "violation 1008");
}

TEST_CASE("messages: a kind that is not taken") {
  Setup setup;
  setup.takes = MessageReader::Takes::kText;
  CHECK(read(text_frame("a") + frame_head({.opcode = 2}, 5), setup) == "text a\nviolation 1003");
  setup.takes = MessageReader::Takes::kBinary;
  CHECK(read(frame({.opcode = 2}) + frame_head({.opcode = 1}, 5), setup) ==
        "binary \nviolation 1003");
}

TEST_CASE("messages: compressed, whole and in fragments (RFC 7692 section 7.2)") {
  const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07" + std::string(1, '\0');
  CHECK(read(frame({.opcode = 1, .payload = hello, .rsv = 4}), kDeflate) == "text Hello");
  CHECK(read(frame({.final = false, .opcode = 1, .payload = hello.substr(0, 3), .rsv = 4}) +
                 frame({.opcode = 9, .payload = "p"}) +
                 frame({.opcode = 0, .payload = hello.substr(3)}) + text_frame("plain"),
             kDeflate) == "ping p\ntext Hello\ntext plain");
  CHECK(read(frame({.opcode = 1, .payload = std::string(1, '\0'), .rsv = 4}), kDeflate) == "text ");
  CHECK(read(compressed_frame(std::string(500'000, 'x'), 2), kDeflate) == "binary #500000");
  CHECK(read(compressed_frame("a"), {}) == "violation 1002");
}

TEST_CASE("messages: compressed ones may refer to those before where that was agreed") {
  Deflater deflater;
  std::string first, second;
  deflater.add_message("the same words twice, the same words", first);
  deflater.add_message("the same words twice, the same words", second);
  REQUIRE(second.size() < first.size() / 2);
  const std::string both = frame({.payload = first, .rsv = 4}) + text_frame("between") +
                           frame({.payload = second, .rsv = 4});
  CHECK(read(both, kContext) ==
        "text the same words twice, the same words\ntext between\n"
        "text the same words twice, the same words");
  CHECK(read(both, kDeflate) ==
        "text the same words twice, the same words\ntext between\nviolation 1007");
}

TEST_CASE("messages: compressed text is checked behind the inflater") {
  CHECK(read(compressed_frame("fine \xe2\x82\xac"), kDeflate) == "text fine \xe2\x82\xac");
  CHECK(read(compressed_frame("wrong \xff"), kDeflate) == "violation 1007");
  CHECK(read(compressed_frame("cut \xe2\x82"), kDeflate) == "violation 1007");
  CHECK(read(compressed_frame("\xff", 2), kDeflate) == "binary \xff");
  CHECK(read(frame({.payload = "no deflate", .rsv = 4}), kDeflate) == "violation 1007");
  CHECK(read(frame({.payload = "", .rsv = 4}), kDeflate) == "violation 1007");
}

TEST_CASE("messages: a deflate bomb is met at the limit, whatever its frame says") {
  Setup setup = kDeflate;
  setup.limits.max_message = 100'000;
  CHECK(read(compressed_frame(std::string(100'000, 'x')), setup) == "text #100000");
  CHECK(read(compressed_frame(std::string(100'001, 'x')), setup) == "violation 1009");
  CHECK(read(compressed_frame(std::string(30'000'000, '\0'), 2), setup) == "violation 1009");
  // Text that turns wrong behind the limit was too large before.
  CHECK(read(compressed_frame(std::string(100'001, 'x') + "\xff"), setup) == "violation 1009");
  CHECK(read(compressed_frame(std::string(99'999, 'x') + "\xff" + std::string(9, 'x')), setup) ==
        "violation 1007");
}

TEST_CASE("messages: a compressed message of nothing ends too") {
  Setup setup = kDeflate;
  setup.limits.max_message = 1000;
  // Empty stored blocks inflate to no byte at all.
  std::string nothing;
  while (nothing.size() < 60'000)
    nothing += std::string("\x00\x00\x00\xff\xff", 5);
  CHECK(read(frame({.payload = nothing + std::string(1, '\0'), .rsv = 4}), setup) == "text ");
  CHECK(read(frame_head({.opcode = 1, .rsv = 4}, 68'000), setup) == "violation 1009");
  const std::string begin = frame({.final = false, .payload = nothing, .rsv = 4});
  CHECK(read(begin + frame_head({.final = false, .opcode = 0}, 10'000), setup) == "violation 1009");
}

TEST_CASE("messages: between two of them a reader owns nothing") {
  WebSocketMemory memory;
  MessageReader reader(memory, kDeflate);
  const auto feed = [&](Bytes bytes) {
    while (reader.next(bytes).kind != Kind::kNeedMore) {
    }
  };
  feed(text_frame("a"));
  CHECK_FALSE(reader.half_done());
  const std::string whole = compressed_frame("some text");
  feed(Bytes(whole).substr(0, 10));
  CHECK(reader.half_done());
  feed(Bytes(whole).substr(10));
  CHECK_FALSE(reader.half_done());
  feed(Bytes(frame({.opcode = 9, .payload = "ping"})).substr(0, 8));
  CHECK(reader.half_done());
  CHECK(sizeof(MessageReader) <= 80);
}
