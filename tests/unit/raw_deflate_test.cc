// DEFLATE a message at a time: the examples of RFC 7692 section 7.2.3, limits, broken input.
#include <random>

#include "core/http/raw_deflate.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

using Result = Inflater::Result;
constexpr std::size_t kPlenty = 1 << 20;

std::string bytes(std::initializer_list<int> list) {
  std::string result;
  for (const int byte : list)
    result += static_cast<char>(byte);
  return result;
}

std::string inflated(Inflater& inflater, Bytes message) {
  std::string out;
  Result result = inflater.add(message, out, kPlenty);
  if (result == Result::kFine) result = inflater.end_message(out, kPlenty);
  return result == Result::kFine ? out : "failed";
}

std::string inflated(Bytes message) {
  Inflater inflater;
  return inflated(inflater, message);
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string result(size, '\0');
  for (char& byte : result)
    byte = static_cast<char>(random());
  return result;
}

}  // namespace

TEST_CASE("inflate: the examples of RFC 7692 section 7.2.3") {
  CHECK(inflated(bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) == "Hello");
  // With the window of the message before (7.2.3.2).
  Inflater inflater;
  CHECK(inflated(inflater, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) == "Hello");
  CHECK(inflated(inflater, bytes({0xf2, 0x00, 0x11, 0x00, 0x00})) == "Hello");
  // A block of no compression (7.2.3.3), one with BFINAL (7.2.3.4), two blocks (7.2.3.5), nothing
  // at all (7.2.3.6).
  CHECK(inflated(bytes({0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00})) ==
        "Hello");
  CHECK(inflated(bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) == "Hello");
  CHECK(inflated(bytes({0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
                        0x00})) == "Hello");
  CHECK(inflated(bytes({0x00})).empty());
}

TEST_CASE("inflate: a last block keeps the window for what follows") {
  Inflater inflater;
  CHECK(inflated(inflater, bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00})) == "Hello");
  CHECK(inflated(inflater, bytes({0xf2, 0x00, 0x11, 0x00, 0x00})) == "Hello");
  // The same without the byte after it: the block ends the message.
  CHECK(inflated(inflater, bytes({0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) == "Hello");
  CHECK(inflated(inflater, bytes({0xf2, 0x00, 0x11, 0x00, 0x00})) == "Hello");
  inflater.reset();
  CHECK(inflated(inflater, bytes({0xf2, 0x00, 0x11, 0x00, 0x00})) == "failed");
}

TEST_CASE("deflate and inflate: what goes in comes out, in pieces too") {
  const bool keeps = GENERATE(false, true);
  const int bits = GENERATE(9, 12, 15);
  Deflater deflater(bits, GENERATE(Deflater::Memory::kSmall, Deflater::Memory::kUsual));
  Inflater inflater;
  std::string repeated;
  for (int i = 0; i < 3000; ++i)
    repeated += "message " + std::to_string(i % 50) + ", ";
  for (const std::string& message :
       {std::string("Hello"), std::string(), std::string(), std::string("Hello"), repeated,
        noise(200'000, 1), std::string(100'000, 'a'), noise(16 * 1024, 2), repeated}) {
    std::string packed;
    deflater.add_message(message, packed);
    CHECK_FALSE(packed.empty());
    std::string out;
    for (std::size_t at = 0; at < packed.size(); at += 777)
      REQUIRE(inflater.add(Bytes(packed).substr(at, 777), out, kPlenty) == Result::kFine);
    REQUIRE(inflater.end_message(out, kPlenty) == Result::kFine);
    CHECK(out == message);
    if (!keeps) {
      deflater.reset();
      inflater.reset();
    }
  }
}

TEST_CASE("deflate: a second message like the first is smaller with context and the same without") {
  Deflater deflater;
  const std::string message = noise(1000, 3);
  std::string first, second, third;
  deflater.add_message(message, first);
  deflater.add_message(message, second);
  deflater.reset();
  deflater.add_message(message, third);
  CHECK(second.size() < first.size() / 10);
  CHECK(third == first);
}

TEST_CASE("inflate: a bomb is stopped near the limit") {
  Deflater deflater;
  std::string bomb;
  deflater.add_message(std::string(50'000'000, '\0'), bomb);
  CHECK(bomb.size() < 60'000 * 4);
  for (const std::size_t most : {0u, 1000u, 1'000'000u}) {
    Inflater inflater;
    std::string out;
    CHECK(inflater.add(bomb, out, most) == Result::kTooBig);
    CHECK(out.size() > most);
    CHECK(out.size() <= most + 16 * 1024);
    inflater.reset();
    CHECK(inflated(inflater, bytes({0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00})) == "Hello");
  }
}

TEST_CASE("inflate: the limit is exact at a message's end") {
  Deflater deflater;
  std::string packed;
  deflater.add_message(std::string(40'000, 'x'), packed);
  const auto judge = [&](std::size_t most) {
    Inflater inflater;
    std::string out;
    const Result result = inflater.add(packed, out, most);
    return result == Result::kFine ? inflater.end_message(out, most) : result;
  };
  CHECK(judge(40'000) == Result::kFine);
  CHECK(judge(39'999) == Result::kTooBig);
}

TEST_CASE("inflate: what is no DEFLATE, or half of one, is refused") {
  CHECK(inflated("\xff\xff\xff\xff") == "failed");
  CHECK(inflated("hello there") == "failed");
  CHECK(inflated("") == "failed");                         // nothing, not even a block
  CHECK(inflated(bytes({0xf2, 0x48, 0xcd})) == "failed");  // cut in a block
  CHECK(inflated(bytes({0x00, 0x09, 0x00, 0xf6, 0xff, 0x48})) == "failed");  // and in a stored one
  CHECK(inflated(bytes({0x00, 0x05, 0x00, 0xfa, 0xfe, 0x48})) == "failed");  // length and its check
  CHECK(inflated(bytes({0x06})) == "failed");                                // block type 3
}

TEST_CASE("inflate: ten thousand last blocks in a message cost no more than their bytes") {
  std::string message;
  for (int i = 0; i < 10'000; ++i)
    message += bytes({0x03, 0x00});  // an empty block with BFINAL
  CHECK(inflated(message + bytes({0x00})).empty());
}
