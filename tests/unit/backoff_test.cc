// The delays between tries: they double, are spread, and stay within their bounds.
#include "core/base/backoff.h"

#include "tests/support/catch.h"

using polyport::Backoff;
using namespace std::chrono_literals;

TEST_CASE("each delay is about twice the last, up to the longest") {
  Backoff backoff(250ms, 2s);
  CHECK(backoff.next(0.5) == 250ms);
  CHECK(backoff.next(0.5) == 500ms);
  CHECK(backoff.next(0.5) == 1s);
  CHECK(backoff.next(0.5) == 2s);
  CHECK(backoff.next(0.5) == 2s);
  backoff.reset();
  CHECK(backoff.next(0.5) == 250ms);
}

TEST_CASE("delays are spread by a quarter, within the bounds") {
  Backoff early(100ms, 10s), late(100ms, 10s);
  CHECK(early.next(0.0) == 100ms);  // not less than the first
  CHECK(late.next(0.999) == 124ms);
  CHECK(early.next(0.0) == 150ms);
  CHECK(late.next(0.999) == 249ms);
  for (int i = 0; i < 20; ++i)
    early.next(0.0), late.next(0.0);
  CHECK(early.next(0.0) == 7500ms);
  CHECK(late.next(0.999) == 10s);  // not more than the longest
}
