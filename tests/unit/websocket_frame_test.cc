// Frames of RFC 6455 section 5: heads read in any pieces, each violation with its close code, and
// frames as we write them. Bytes are written by hand from the RFC.
#include <random>

#include "core/http/websocket_frame.h"
#include "tests/support/catch.h"
#include "tests/support/websocket_frames.h"

using namespace polyport;
using namespace polyport::http;
using polyport::test::frame;
using polyport::test::frame_head;
using polyport::test::FrameSpec;

namespace {

struct Seen {
  bool final;
  Opcode opcode;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

struct Outcome {
  std::vector<Seen> frames;
  CloseCode code = CloseCode::kNoStatus;  // of the violation that ended it
  bool operator==(const Outcome&) const = default;
};

// Feeds `bytes` in pieces of the sizes that `next_size` gives.
template <class NextSize>
Outcome read(FrameReader reader, Bytes bytes, NextSize next_size) {
  Outcome outcome;
  bool head_seen = false;
  while (!bytes.empty()) {
    Bytes piece = bytes.substr(0, next_size());
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      if (reader.state() == FrameReader::State::kHead) {
        if (const Violation violation = reader.read_head(piece)) {
          outcome.code = violation.code;
          CHECK(reader.state() == FrameReader::State::kFailed);
          CHECK(violation.reason.size() <= kMostReasonBytes);
          return outcome;
        }
        if (reader.state() == FrameReader::State::kHead) break;
        outcome.frames.push_back({reader.final(), reader.opcode(), {}});
        head_seen = true;
      }
      const Bytes masked = reader.take_payload(piece, 1000);
      std::string plain(masked.size(), '\0');
      reader.unmask(masked, plain.data());
      outcome.frames.back().payload += plain;
    }
  }
  CHECK((head_seen || outcome.frames.empty()));
  return outcome;
}

Outcome read(Bytes bytes, FrameReader::Rsv1 rsv1 = FrameReader::Rsv1::kRefused,
             FrameReader::Side side = FrameReader::Side::kServer) {
  return read(FrameReader(side, rsv1), bytes, [&] { return bytes.size(); });
}

// The code that ends it, and that in any pieces.
CloseCode refusal(const std::string& bytes, FrameReader::Rsv1 rsv1 = FrameReader::Rsv1::kRefused) {
  const Outcome whole = read(bytes, rsv1);
  CHECK(read(FrameReader(FrameReader::Side::kServer, rsv1), bytes, [] { return 1u; }) == whole);
  return whole.code;
}

std::string bytes(std::initializer_list<int> list) {
  std::string result;
  for (const int byte : list)
    result += static_cast<char>(byte);
  return result;
}

}  // namespace

TEST_CASE("frames: the examples of section 5.7") {
  const auto client = FrameReader::Side::kClient;
  const auto refused = FrameReader::Rsv1::kRefused;
  CHECK(read(bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})).frames ==
        std::vector<Seen>{{true, Opcode::kText, "Hello"}});
  CHECK(read(bytes({0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f}), refused, client).frames ==
        std::vector<Seen>{{true, Opcode::kText, "Hello"}});
  CHECK(
      read(bytes({0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f}), refused, client).frames ==
      std::vector<Seen>{{false, Opcode::kText, "Hel"}, {true, Opcode::kContinuation, "lo"}});
  CHECK(read(bytes({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58})).frames ==
        std::vector<Seen>{{true, Opcode::kPong, "Hello"}});
}

TEST_CASE("frames: every length at the edges of its form, whole and cut") {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 65537u}) {
    CAPTURE(size);
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
      payload[i] = static_cast<char>(i * 7);
    const std::string sent = frame({.opcode = 2, .payload = payload});
    const Outcome whole = read(sent);
    REQUIRE(whole.frames.size() == 1);
    CHECK(whole.frames[0].payload == payload);
    for (std::size_t cut = 1; cut < 16 && cut < sent.size(); ++cut) {
      FrameReader reader(FrameReader::Side::kServer, FrameReader::Rsv1::kRefused);
      bool first = true;
      CHECK(read(reader, sent, [&] { return std::exchange(first, false) ? cut : sent.size(); }) ==
            whole);
    }
    // The head as we write it is the one the RFC asks for.
    char head[kMostHeadBytes];
    char* end = write_frame_head(Opcode::kBinary, size, head);
    CHECK(std::string(head, static_cast<std::size_t>(end - head)) ==
          frame_head({.opcode = 2, .masked = false}, size));
  }
}

TEST_CASE("frames: byte by byte and in random pieces as whole, control frames in between") {
  std::string sent;
  sent += frame({.final = false, .opcode = 1, .payload = "one "});
  sent += frame({.opcode = 9, .payload = std::string(125, 'p'), .mask = 0xdeadbeef});
  sent += frame({.final = false, .opcode = 0, .payload = ""});
  sent += frame({.opcode = 10, .payload = ""});
  sent += frame({.opcode = 0, .payload = std::string(70'000, 'x'), .mask = 0x00ff00ff});
  sent += frame({.opcode = 2, .payload = std::string(300, '\xff'), .mask = 0});
  sent += frame({.opcode = 8, .payload = "\x03\xe8over"});
  const FrameReader reader(FrameReader::Side::kServer, FrameReader::Rsv1::kRefused);
  const Outcome whole = read(sent);
  REQUIRE(whole.frames.size() == 7);
  CHECK(whole.frames[1].payload == std::string(125, 'p'));
  CHECK(whole.frames[4].payload == std::string(70'000, 'x'));
  CHECK(read(reader, sent, [] { return 1u; }) == whole);
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20; ++i)
    CHECK(read(reader, sent, [&] { return 1 + random() % 5000; }) == whole);
}

TEST_CASE("frames: reserved bits end the connection with 1002") {
  for (int rsv = 1; rsv < 8; ++rsv) {
    for (const int opcode : {1, 2, 8, 9, 10}) {
      CAPTURE(rsv, opcode);
      const std::string sent = frame({.opcode = opcode, .rsv = rsv});
      CHECK(refusal(sent) == CloseCode::kProtocolError);
      const bool allowed = rsv == 4 && opcode <= 2;  // RFC 7692 section 6
      CHECK(refusal(sent, FrameReader::Rsv1::kCompressed) ==
            (allowed ? CloseCode::kNoStatus : CloseCode::kProtocolError));
    }
  }
  CHECK(refusal(frame({.final = false, .opcode = 1, .rsv = 4}) + frame({.opcode = 0, .rsv = 4}),
                FrameReader::Rsv1::kCompressed) == CloseCode::kProtocolError);
}

TEST_CASE("frames: reserved opcodes end the connection with 1002") {
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    CAPTURE(opcode);
    CHECK(refusal(frame({.opcode = opcode})) == CloseCode::kProtocolError);
    CHECK(refusal(frame({.final = false, .opcode = opcode})) == CloseCode::kProtocolError);
  }
}

TEST_CASE("frames: masks are asked of a client and refused from a server") {
  CHECK(refusal(frame({.payload = "a", .masked = false})) == CloseCode::kProtocolError);
  CHECK(
      read(frame({.payload = "a"}), FrameReader::Rsv1::kRefused, FrameReader::Side::kClient).code ==
      CloseCode::kProtocolError);
}

TEST_CASE("frames: control frames are whole and short") {
  for (const int opcode : {8, 9, 10}) {
    CAPTURE(opcode);
    CHECK(refusal(frame({.final = false, .opcode = opcode})) == CloseCode::kProtocolError);
    CHECK(refusal(frame({.opcode = opcode, .payload = std::string(126, 'x')})) ==
          CloseCode::kProtocolError);
    CHECK(refusal(frame({.opcode = opcode, .payload = "x", .length_form = 2})) ==
          CloseCode::kProtocolError);
    CHECK(refusal(frame({.opcode = opcode, .payload = std::string(125, 'x')})) ==
          CloseCode::kNoStatus);
  }
}

TEST_CASE("frames: fragments come in order") {
  const std::string begin = frame({.final = false, .opcode = 1, .payload = "a"});
  const std::string more = frame({.final = false, .opcode = 0, .payload = "b"});
  const std::string end = frame({.opcode = 0, .payload = "c"});
  CHECK(refusal(begin + more + end + begin + end) == CloseCode::kNoStatus);
  CHECK(refusal(more) == CloseCode::kProtocolError);
  CHECK(refusal(end) == CloseCode::kProtocolError);
  CHECK(refusal(begin + end + end) == CloseCode::kProtocolError);
  CHECK(refusal(begin + begin) == CloseCode::kProtocolError);
  CHECK(refusal(begin + frame({.opcode = 2})) == CloseCode::kProtocolError);
  CHECK(refusal(begin + frame({.opcode = 9}) + end) == CloseCode::kNoStatus);
}

TEST_CASE("frames: a length must have its shortest form and 63 bits") {
  FrameSpec spec{.opcode = 2, .length_form = 2};
  CHECK(refusal(frame_head(spec, 125)) == CloseCode::kProtocolError);
  CHECK(refusal(frame_head(spec, 0)) == CloseCode::kProtocolError);
  CHECK(refusal(frame_head(spec, 126)) == CloseCode::kNoStatus);
  spec.length_form = 8;
  CHECK(refusal(frame_head(spec, 65535)) == CloseCode::kProtocolError);
  CHECK(refusal(frame_head(spec, 1)) == CloseCode::kProtocolError);
  CHECK(refusal(frame_head(spec, 65536)) == CloseCode::kNoStatus);
  CHECK(refusal(frame_head(spec, UINT64_MAX / 2)) == CloseCode::kNoStatus);
  CHECK(refusal(frame_head(spec, UINT64_MAX / 2 + 1)) == CloseCode::kProtocolError);
}

TEST_CASE("frames: what is wrong is said at the byte that shows it") {
  // None of these needs another byte to be known as wrong.
  CHECK(read(bytes({0x83})).code == CloseCode::kProtocolError);
  CHECK(read(bytes({0x80})).code == CloseCode::kProtocolError);
  CHECK(read(bytes({0x89, 0xfe})).code == CloseCode::kProtocolError);
  CHECK(read(bytes({0x82, 0x05})).code == CloseCode::kProtocolError);
  CHECK(read(bytes({0x82, 0xff, 0x80})).code == CloseCode::kProtocolError);
  CHECK(read(bytes({0x82, 0xfe, 0x00, 0x7d})).code == CloseCode::kProtocolError);
}

TEST_CASE("close frames: which codes travel") {
  for (int code = 0; code <= 65535; ++code) {
    const bool defined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    const bool expected = defined || (code >= 3000 && code <= 4999);
    ClosePayload close;
    const std::string payload = bytes({code >> 8, code & 0xff}) + "why";
    const Violation violation = parse_close(payload, close);
    if ((violation.code == CloseCode::kProtocolError) == expected ||
        may_be_sent(static_cast<CloseCode>(code)) != expected) {
      FAIL("code " << code);
    }
    if (!expected) continue;
    REQUIRE(close.code == static_cast<CloseCode>(code));
    REQUIRE(close.reason == "why");
  }
}

TEST_CASE("close frames: half a code, a reason that is no text, and nothing at all") {
  ClosePayload close;
  CHECK(parse_close("\x03", close).code == CloseCode::kProtocolError);
  CHECK(parse_close("\x03\xe8\xff", close).code == CloseCode::kInvalidData);
  CHECK(parse_close("\x03\xe8\xe2\x82", close).code == CloseCode::kInvalidData);
  CHECK_FALSE(parse_close("", close));
  CHECK(close.code == CloseCode::kNoStatus);
  CHECK_FALSE(parse_close("\x03\xe8", close));
  CHECK(close.code == CloseCode::kNormal);
  CHECK(close.reason.empty());
}

TEST_CASE("close frames: a reason is cut between characters") {
  char out[kMostControlBytes];
  const auto written = [&](Bytes reason, CloseCode code = CloseCode::kNormal) {
    return std::string(out, static_cast<std::size_t>(write_close(code, reason, out) - out));
  };
  CHECK(written("bye") ==
        "\x03\xe8"
        "bye");
  CHECK(written("ignored", CloseCode::kNoStatus).empty());
  CHECK(written(std::string(200, 'x')) == "\x03\xe8" + std::string(123, 'x'));
  std::string euros;
  for (int i = 0; i < 50; ++i)
    euros += "\xe2\x82\xac";
  CHECK(written("a" + euros) ==
        "\x03\xe8"
        "a" +
            euros.substr(0, 40 * 3));
  CHECK(written("ab" + euros) ==
        "\x03\xe8"
        "ab" +
            euros.substr(0, 40 * 3));
  CHECK(written(euros) == "\x03\xe8" + euros.substr(0, 41 * 3));
}

TEST_CASE("frames: heads as written carry final and compressed") {
  char out[kMostHeadBytes];
  char* end = write_frame_head(Opcode::kText, 5, out, Final::kNo, Compressed::kYes);
  CHECK(Bytes(out, static_cast<std::size_t>(end - out)) == bytes({0x41, 0x05}));
  end = write_frame_head(Opcode::kContinuation, 65536, out);
  CHECK(Bytes(out, static_cast<std::size_t>(end - out)) ==
        bytes({0x80, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

// RFC 6455 section 5.7: "a single-frame masked text message", Hello.
TEST_CASE("a client's frame is the one of the RFC") {
  const Mask mask = {0x37, 0xfa, 0x21, 0x3d};
  char frame[kMostClientHeadBytes + 5];
  char* const payload = write_client_frame_head(Opcode::kText, 5, mask, frame);
  mask_bytes("Hel", mask, 0, payload);
  mask_bytes("lo", mask, 3, payload + 3);
  CHECK(Bytes(frame, static_cast<std::size_t>(payload + 5 - frame)) ==
        "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST_CASE("a client's frame can be read by a server, whatever its length") {
  const Mask mask = {1, 2, 3, 4};
  for (const std::uint64_t length : {0u, 125u, 126u, 65535u, 65536u}) {
    char head[kMostClientHeadBytes];
    char* const end = write_client_frame_head(Opcode::kBinary, length, mask, head);
    FrameReader reader(FrameReader::Side::kServer, FrameReader::Rsv1::kRefused);
    Bytes input(head, static_cast<std::size_t>(end - head));
    CHECK_FALSE(reader.read_head(input));
    CHECK(input.empty());
    CHECK(reader.state() == FrameReader::State::kPayload);
    CHECK(reader.left() == length);
  }
}
