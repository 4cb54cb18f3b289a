// chargen's block of 95 lines, against RFC 864's words: 72 characters a line, moved by one each
// line.
#include "core/base/bytes.h"
#include "tests/support/catch.h"

namespace polyport::services::chargen {
Bytes block();
}

using polyport::Bytes;

TEST_CASE("chargen's block is 95 lines of 72 characters that move on by one", "[services]") {
  const Bytes block = polyport::services::chargen::block();
  REQUIRE(block.size() == 7030);
  std::string ring;
  for (char c = ' '; c <= '~'; ++c)
    ring += c;
  REQUIRE(ring.size() == 95);
  for (std::size_t line = 0; line < 95; ++line) {
    CAPTURE(line);
    const std::string expected = (ring + ring).substr(line, 72) + "\r\n";
    REQUIRE(block.substr(line * 74, 74) == expected);
  }
}

TEST_CASE("chargen's block follows itself without a break", "[services]") {
  const Bytes block = polyport::services::chargen::block();
  // Line 94 begins with '~', so the next one begins with the space that line 0 begins with.
  CHECK(block.substr(94 * 74, 3) == "~ !");
  CHECK(block.substr(0, 3) == " !\"");
}
