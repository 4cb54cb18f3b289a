// The memory of the process against its ceiling, told by a file like /proc/self/statm.
#include "core/net/memory_watch.h"

#include "tests/support/catch.h"
#include "tests/support/statm_file.h"

using polyport::MemoryWatch;
using polyport::test::StatmFile;

TEST_CASE("memory is near its ceiling at 7/8 and over at 15/16") {
  StatmFile file(100);
  MemoryWatch watch(1600 * StatmFile::page(), file.path());
  CHECK(watch.bytes() == 100 * StatmFile::page());
  CHECK_FALSE(watch.is_near());
  std::uint64_t now = 1'000;
  const auto at = [&](std::uint64_t pages) {
    file.say(pages);
    CHECK(watch.look(now += 10));
  };
  at(1400);
  CHECK_FALSE(watch.is_near());
  at(1401);
  CHECK(watch.is_near());
  CHECK_FALSE(watch.is_over());
  at(1501);
  CHECK(watch.is_over());
  at(100);
  CHECK_FALSE(watch.is_near());
}

TEST_CASE("it looks every 10 ms at most, and not at all without a limit") {
  StatmFile file(100);
  MemoryWatch watch(1 << 20, file.path());
  CHECK(watch.look(1'000));
  CHECK_FALSE(watch.look(1'009));
  CHECK(watch.look(1'010));
  MemoryWatch none(0, file.path());
  CHECK_FALSE(none.look(1'000));
  CHECK(none.bytes() == 0);
  CHECK_FALSE(none.is_near());
}

TEST_CASE("it knows the memory of this very process") {
  MemoryWatch watch(std::uint64_t{1} << 40);
  CHECK(watch.bytes() > 1 << 20);
  CHECK(watch.bytes() < std::uint64_t{1} << 39);
}
