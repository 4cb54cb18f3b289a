// Histogram: percentiles are right within the promised precision, and a difference is exact.
#include "core/base/histogram.h"

#include <algorithm>
#include <random>
#include <vector>

#include "core/base/histogram_json.h"
#include "tests/support/catch.h"

namespace polyport {
namespace {

TEST_CASE("an empty histogram has nothing to say") {
  const Histogram histogram;
  CHECK(histogram.empty());
  CHECK(histogram.percentile(50) == 0);
  CHECK(histogram.largest() == 0);
  CHECK(histogram.mean() == 0);
}

TEST_CASE("small values are exact") {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value)
    histogram.record(value);
  CHECK(histogram.percentile(1) == 1);
  CHECK(histogram.percentile(50) == 50);
  CHECK(histogram.percentile(99) == 99);
  CHECK(histogram.percentile(99.9) == 100);
  CHECK(histogram.percentile(100) == 100);
  CHECK(histogram.mean() == 50.5);
}

TEST_CASE("every value comes back at most 0.8 % too large, and never too small") {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 1, power, power + power / 3, power + power / 2}) {
      Histogram histogram;
      histogram.record(value);
      histogram.record(~std::uint64_t{0});  // so that the largest does not help
      const std::uint64_t read = histogram.percentile(50);
      CHECK(read >= value);
      CHECK(read - value <= value / 128);
    }
  }
}

TEST_CASE("percentiles of random values are those of the sorted list") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> distribution(12, 2);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(distribution(random)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.1, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank = static_cast<std::size_t>(percent / 100 * 20'000 + 0.5);
    const std::uint64_t exact = values[std::max<std::size_t>(rank, 1) - 1];
    const std::uint64_t read = histogram.percentile(percent);
    CHECK(read >= exact);
    CHECK(read <= exact + exact / 100 + 1);
  }
  CHECK(histogram.smallest() == values.front());
  CHECK(histogram.largest() == values.back());
}

TEST_CASE("what lies between two states of a histogram is exact") {
  Histogram histogram;
  for (const std::uint64_t value : {5u, 70'000u, 9'000'000u})
    histogram.record(value);
  const Histogram before = histogram;
  histogram.record(1'000, 3);
  histogram.record(70'000);
  REQUIRE(histogram.subtract(before));
  CHECK(histogram.count() == 4);
  CHECK(histogram.percentile(75) >= 1'000);
  CHECK(histogram.percentile(75) < 1'010);
  CHECK(histogram.largest() >= 70'000);
  CHECK(histogram.largest() < 70'700);
  Histogram same = before;
  REQUIRE(same.subtract(before));
  CHECK(same.empty());
  CHECK(same.largest() == 0);
}

TEST_CASE("what is no earlier state is not taken away") {
  Histogram histogram, other;
  histogram.record(5, 2);
  other.record(5, 3);
  CHECK_FALSE(histogram.subtract(other));
  other = Histogram();
  other.record(1'000'000);
  CHECK_FALSE(histogram.subtract(other));
  CHECK(histogram.count() == 2);
}

TEST_CASE("histograms can be added, and written down and read back") {
  Histogram one, two;
  one.record(10);
  two.record(123'456'789);
  one.add(two);
  CHECK(one.count() == 2);
  CHECK(one.smallest() == 10);
  CHECK(one.largest() == 123'456'789);
  Histogram copy;
  one.for_each([&](std::uint64_t value, std::uint64_t count) { copy.record(value, count); });
  REQUIRE(copy.subtract(one));  // every bucket is there
  CHECK(copy.empty());
}

TEST_CASE("a histogram is the same after JSON, and what is no bucket is passed over") {
  Histogram histogram;
  for (std::uint64_t value = 1; value < 10'000'000; value = value * 3 + 1)
    histogram.record(value, value % 5 + 1);
  std::string text, again;
  JsonWriter json(text), json_again(again);
  write_histogram(json, histogram);
  const auto value = JsonValue::parse(text);
  REQUIRE(value);
  const Histogram read = read_histogram(&*value);
  write_histogram(json_again, read);
  CHECK(again == text);
  CHECK(read.count() == histogram.count());
  CHECK(read_histogram(nullptr).empty());
  const auto odd = JsonValue::parse(R"([[1],[2,-3],5,[1,2,3],[-1,2],["1",2],[7,1]])");
  REQUIRE(odd);
  CHECK(read_histogram(&*odd).count() == 1);
}

}  // namespace
}  // namespace polyport
