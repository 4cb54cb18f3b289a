#include "core/net/token_bucket.h"

#include "tests/support/catch.h"

using polyport::TokenBucket;

namespace {

int taken(TokenBucket& bucket, std::uint64_t now_ms) {
  int count = 0;
  for (; !bucket.empty(now_ms) && count < 1000; ++count)
    bucket.take();
  return count;
}

}  // namespace

TEST_CASE("a bucket gives one second's worth at once, then so many a second") {
  TokenBucket bucket(10);
  CHECK(taken(bucket, 0) == 10);
  CHECK(taken(bucket, 99) == 0);
  CHECK(taken(bucket, 100) == 1);
  CHECK(taken(bucket, 600) == 5);
  CHECK(taken(bucket, 1'000'000'000) == 10);
}

TEST_CASE("a bucket of 0 has no limit") {
  TokenBucket bucket(0);
  CHECK(taken(bucket, 0) == 1000);
}
