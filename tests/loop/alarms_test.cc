// Alarms: order, cancelling, and what may happen inside a ring.
#include <algorithm>
#include <functional>
#include <random>

#include "core/loop/alarms.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace std::chrono_literals;

namespace {

struct Bell : Alarm {
  explicit Bell(std::vector<int>& log, int number = 0) : log_(log), number_(number) {}
  void ring() noexcept override {
    log_.push_back(number_);
    if (then) then();
  }
  std::function<void()> then;

 private:
  std::vector<int>& log_;
  int number_;
};

struct Fixture {
  ~Fixture() { alarms.reset(); }
  void run_until(std::size_t rings) {
    for (int i = 0; i < 100'000 && log.size() < rings; ++i)
      loop.run_once();
    CHECK(log.size() == rings);
  }
  Loop loop;
  std::unique_ptr<Alarms> alarms = std::make_unique<Alarms>(loop);
  std::vector<int> log;
};

}  // namespace

TEST_CASE("alarms ring in the order of their times, and of their setting") {
  Fixture fixture;
  std::vector<std::unique_ptr<Bell>> bells;
  std::mt19937 random(7);
  std::vector<std::pair<int, int>> expected;  // time, number
  for (int i = 0; i < 2000; ++i) {
    const int after = static_cast<int>(random() % 40);
    bells.push_back(std::make_unique<Bell>(fixture.log, i));
    fixture.alarms->set(*bells.back(), std::chrono::milliseconds(after));
    expected.emplace_back(after, i);
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  fixture.run_until(2000);
  for (std::size_t i = 0; i < expected.size(); ++i)
    REQUIRE(fixture.log[i] == expected[i].second);
  CHECK(fixture.alarms->size() == 0);
}

TEST_CASE("a cancelled or destroyed alarm is silent, the others ring") {
  Fixture fixture;
  std::vector<std::unique_ptr<Bell>> bells;
  for (int i = 0; i < 300; ++i) {
    bells.push_back(std::make_unique<Bell>(fixture.log, i));
    fixture.alarms->set(*bells.back(), std::chrono::milliseconds(i % 7));
  }
  for (std::size_t i = 0; i < 300; i += 3)
    fixture.alarms->cancel(*bells[i]);
  for (std::size_t i = 1; i < 300; i += 3)
    bells[i].reset();
  CHECK(fixture.alarms->size() == 100);
  fixture.run_until(100);
  for (const int number : fixture.log)
    CHECK(number % 3 == 2);
  fixture.alarms->cancel(*bells[0]);  // twice is nothing
}

TEST_CASE("setting an alarm again moves it") {
  Fixture fixture;
  Bell one(fixture.log, 1);
  Bell two(fixture.log, 2);
  fixture.alarms->set(one, 1h);
  fixture.alarms->set(two, 5ms);
  fixture.alarms->set(one, 1ms);
  CHECK(fixture.alarms->size() == 2);
  fixture.run_until(2);
  CHECK(fixture.log == std::vector<int>{1, 2});
}

TEST_CASE("a ring may set itself again, cancel others and destroy itself") {
  Fixture fixture;
  auto self = std::make_unique<Bell>(fixture.log, 1);
  Bell victim(fixture.log, 9);
  int again = 3;
  self->then = [&] {
    fixture.alarms->cancel(victim);
    if (again-- > 0) {
      fixture.alarms->set(*self, 0ms);
    } else {
      self.reset();
    }
  };
  fixture.alarms->set(*self, 0ms);
  fixture.alarms->set(victim, 0ms);
  fixture.run_until(4);
  CHECK(self == nullptr);
  CHECK(fixture.log == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("ten thousand alarms that are due at once leave the loop its turns") {
  Fixture fixture;
  std::vector<std::unique_ptr<Bell>> bells;
  for (int i = 0; i < 10'000; ++i) {
    bells.push_back(std::make_unique<Bell>(fixture.log, i));
    fixture.alarms->set(*bells.back(), 0ms);
  }
  std::size_t most = 0;
  while (fixture.log.size() < 10'000) {
    const std::size_t before = fixture.log.size();
    fixture.loop.run_once();
    most = std::max(most, fixture.log.size() - before);
  }
  CHECK(most <= 2 * 256);  // one round of run_once looks at the timers twice
}

TEST_CASE("alarms that go before their bells leave no trace") {
  std::vector<int> log;
  Loop loop;
  auto alarms = std::make_unique<Alarms>(loop);
  Bell bell(log, 1);
  alarms->set(bell, 1ms);
  alarms.reset();
  for (int i = 0; i < 10; ++i)
    loop.run_ready();
  CHECK(log.empty());
}
