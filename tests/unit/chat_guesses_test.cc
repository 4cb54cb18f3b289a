// How often an address may guess a password.
#include "services/chat/guesses.h"
#include "tests/support/catch.h"

using polyport::services::chat::Guesses;

namespace {

// Guesses from `address` until no more is allowed.
std::uint32_t guess_all(Guesses& guesses, const std::string& address, std::uint64_t now) {
  std::uint32_t count = 0;
  while (count < 1000 && guesses.may_guess(address, now)) {
    guesses.guessed_wrong(address, now);
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("an address has some wrong guesses in a minute, whatever its port", "[chat]") {
  Guesses guesses;
  for (std::uint32_t i = 0; i < Guesses::kMost; ++i) {
    const std::string address = "192.0.2.1:" + std::to_string(5000 + i);
    REQUIRE(guesses.may_guess(address, 1'000 + i));
    guesses.guessed_wrong(address, 1'000 + i);
  }
  CHECK_FALSE(guesses.may_guess("192.0.2.1:6000", 60'999));
  CHECK(guesses.may_guess("192.0.2.2:6000", 60'999));
  CHECK(guesses.may_guess("192.0.2.1:6000", 61'000));
  CHECK(guess_all(guesses, "192.0.2.1:6000", 61'000) == Guesses::kMost);
}

TEST_CASE("an IPv6 host does not guess on from its next address", "[chat]") {
  Guesses guesses;
  CHECK(guess_all(guesses, "[2001:db8::1]:5000", 0) == Guesses::kMost);
  CHECK_FALSE(guesses.may_guess("[2001:db8::ffff:2]:5000", 0));
  CHECK(guesses.may_guess("[2001:db8:0:1::1]:5000", 0));
  CHECK(guess_all(guesses, "a unix socket", 0) == Guesses::kMost);
}

TEST_CASE("guesses of very many addresses are not all kept", "[chat]") {
  Guesses guesses;
  CHECK(guess_all(guesses, "192.0.2.1:1", 0) == Guesses::kMost);
  for (std::size_t i = 0; i < Guesses::kMostAddresses; ++i)
    guesses.guessed_wrong("host" + std::to_string(i) + ":1", 1);
  CHECK(guesses.may_guess("192.0.2.1:1", 1));  // the oldest was given up
}
