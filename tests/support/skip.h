// Leaving a test that cannot run on this machine: loudly, with the reason, and counted.
//
// Catch2 v2 has no skip of its own. CI prints every skipped test and fails for one that
// tests/may_skip.txt does not list (see skip.cc), so that no test goes quiet by itself.
#pragma once

#include <string>

namespace polyport::test {

// Reports the running test case as skipped: a line "SKIPPED: name: reason" on stdout, by which
// ctest marks it, and a file in build/PRESET/skipped. Under CI=true a test that is not listed fails
// here.
void report_skip(const std::string& reason);

}  // namespace polyport::test

// Ends the test case: SKIP_TEST("this machine has no IPv6");
#define SKIP_TEST(reason)                  \
  do {                                     \
    ::polyport::test::report_skip(reason); \
    return;                                \
  } while (false)
