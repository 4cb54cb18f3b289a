// Catch2 for every test, whichever of its two generations is installed.
//
// Debian 12 has v2 (one header), newer systems have v3 (many). A test includes this file and
// nothing of Catch2, and uses only what both know: TEST_CASE, SECTION, CHECK, REQUIRE, GENERATE,
// INFO, CAPTURE, CHECK_THAT with the string and vector matchers. `Approx` is Catch::Approx in both.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include "tests/support/skip.h"
