// Hashes against the test vectors of RFC 1321, RFC 3174 and FIPS 180-4.
#include "core/base/digest.h"
#include "tests/support/catch.h"

using namespace polyport;

TEST_CASE("hashes are those of the standards") {
  CHECK(hex_digest(Hash::kMd5, "abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hex_digest(Hash::kMd5, "") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(hex_digest(Hash::kSha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_digest(Hash::kSha256, "abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_digest(Hash::kSha512, "abc") ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(hex_digest(Hash::kSha512_256, "abc") ==
        "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
  CHECK(digest(Hash::kSha1, "abc").size() == 20);
}

TEST_CASE("secrets are equal only where every byte is") {
  CHECK(equals_in_constant_time("", ""));
  CHECK(equals_in_constant_time("secret", "secret"));
  CHECK_FALSE(equals_in_constant_time("secret", "secres"));
  CHECK_FALSE(equals_in_constant_time("secret", "Secret"));
  CHECK_FALSE(equals_in_constant_time("secret", "secret "));
}

TEST_CASE("random bytes are many and not twice the same") {
  const std::string one = random_bytes(32);
  CHECK(one.size() == 32);
  CHECK(one != random_bytes(32));
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(256).size() == 256);
}
