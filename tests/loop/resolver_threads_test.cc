// Names looked up beside the loop: answers, names that hang, and an end that waits for none of it.
#include "core/net/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "core/loop/loop.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace std::chrono_literals;

namespace {

// What the look-ups of a test meet: names that begin with "hang" do not return before release().
struct World {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int begun = 0, returned = 0;

  void begin() {
    const std::lock_guard lock(mutex);
    ++begun;
    changed.notify_all();
  }
  void hang() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return open; });
  }
  void end() {
    const std::lock_guard lock(mutex);
    ++returned;
    changed.notify_all();
  }
  void release() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  int count(const int& which) {
    const std::lock_guard lock(mutex);
    return which;
  }
  // Threads that are left behind count here, also those that have not begun yet: a test waits for
  // them before the next begins. No event tells of the end of a detached thread.
  void wait_for_all() {
    release();
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (threads() > threads_before) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      std::this_thread::sleep_for(1ms);
    }
  }
  static std::ptrdiff_t threads() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  }
  // ThreadSanitizer has a thread of its own, which begins with the program's first.
  static std::ptrdiff_t threads_before_ours() {
    pid_t id = 0;
    std::thread([&] { id = ::gettid(); }).join();
    while (std::filesystem::exists("/proc/self/task/" + std::to_string(id)))
      std::this_thread::yield();
    return threads();
  }
  const std::ptrdiff_t threads_before = threads_before_ours();
};
std::atomic<World*> g_world = nullptr;

// A world of a test's own. None is ever freed: a thread that nobody waits for may still stand in
// it.
World& new_world() {
  static auto& worlds = *new std::vector<std::unique_ptr<World>>();
  g_world = worlds.emplace_back(std::make_unique<World>()).get();
  return *g_world;
}

Result<HostAddresses> look_up_in_world(const std::string& host, Families) {
  World& world = *g_world;
  world.begin();
  if (host.starts_with("hang")) world.hang();
  Result<HostAddresses> result = HostAddresses{{*Address::parse_ip("192.0.2.7")}, {}};
  if (host.starts_with("no-")) result = failure(ErrorCode::kNotFound, "there is no " + host);
  world.end();
  return result;
}

struct Fixture {
  explicit Fixture(std::chrono::milliseconds timeout = 60s, std::size_t most_threads = 4)
      : options{timeout, most_threads, look_up_in_world} {
    resolver = std::make_unique<Resolver>(loop, options);
  }
  ~Fixture() {
    resolver.reset();
    world.wait_for_all();
  }

  Resolver::Id ask(const std::string& host) {
    inside = true;
    const Resolver::Id id = resolver->ask(host, [this, host](const Result<HostAddresses>& result) {
      CHECK_FALSE(inside);
      answers.push_back(host + ": " +
                        (result ? result->addresses[0].ip_text() : result.error().what));
      if (on_answer) on_answer(host);
    });
    inside = false;
    return id;
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 10s) {
    const auto give_up = std::chrono::steady_clock::now() + limit;
    Timer tick(loop, [] {});
    tick.start_every(5ms);
    while (!done()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      loop.run_once();
    }
    return true;
  }

  World& world = new_world();
  Loop loop;
  Resolver::Options options;
  std::unique_ptr<Resolver> resolver;
  bool inside = false;
  std::function<void(const std::string&)> on_answer;
  std::vector<std::string> answers;
};

}  // namespace

TEST_CASE("names are answered on the loop, the good and the bad") {
  Fixture fixture;
  fixture.ask("a.example");
  fixture.ask("no-such.example");
  REQUIRE(fixture.run_until([&] { return fixture.answers.size() == 2; }));
  std::sort(fixture.answers.begin(), fixture.answers.end());
  CHECK(fixture.answers ==
        std::vector<std::string>{"a.example: 192.0.2.7",
                                 "no-such.example: there is no no-such.example"});
  CHECK(fixture.resolver->threads() == 0);
}

TEST_CASE("one name is looked up once for all who wait for it") {
  Fixture fixture;
  for (int i = 0; i < 5; ++i)
    fixture.ask("hang.example");
  REQUIRE(fixture.run_until([&] { return fixture.world.count(fixture.world.begun) == 1; }));
  CHECK(fixture.resolver->threads() == 1);
  fixture.world.release();
  REQUIRE(fixture.run_until([&] { return fixture.answers.size() == 5; }));
  CHECK(fixture.world.count(fixture.world.begun) == 1);
}

TEST_CASE("a name that hangs is answered late, with an error, and the others are not held up") {
  Fixture fixture(300ms);
  fixture.ask("hang.example");
  fixture.ask("b.example");
  REQUIRE(fixture.run_until([&] { return fixture.answers.size() == 2; }));
  CHECK(fixture.answers[0] == "b.example: 192.0.2.7");
  CHECK(fixture.answers[1] ==
        "hang.example: no name server answered for \"hang.example\" within 300ms");
  // Its thread is left behind, and the name is not given a second one.
  CHECK(fixture.resolver->threads() == 1);
  fixture.ask("hang.example");
  fixture.run_until([] { return false; }, 50ms);
  CHECK(fixture.resolver->threads() == 1);
  // When the first look-up returns after all, it answers whoever waits by then.
  fixture.world.release();
  REQUIRE(fixture.run_until([&] { return fixture.answers.size() == 3; }));
  CHECK(fixture.answers[2] == "hang.example: 192.0.2.7");
}

TEST_CASE("threads are few: the rest waits its turn, or is late") {
  Fixture fixture(60s, 2);
  for (const char* host : {"hang1", "hang2", "c.example"})
    fixture.ask(host);
  fixture.run_until([] { return false; }, 50ms);
  CHECK(fixture.resolver->threads() == 2);
  CHECK(fixture.answers.empty());
  fixture.world.release();
  REQUIRE(fixture.run_until([&] { return fixture.answers.size() == 3; }));
}

TEST_CASE("a question that is cancelled is not answered") {
  Fixture fixture;
  const Resolver::Id id = fixture.ask("hang.example");
  fixture.ask("d.example");
  fixture.resolver->cancel(id);
  fixture.resolver->cancel(id);
  fixture.world.release();
  REQUIRE(fixture.run_until([&] { return fixture.resolver->threads() == 0; }));
  CHECK(fixture.answers == std::vector<std::string>{"d.example: 192.0.2.7"});
}

TEST_CASE("whoever is answered may ask again, or end the resolver's other questions") {
  Fixture fixture;
  int rounds = 0;
  Resolver::Id other = 0;
  fixture.on_answer = [&](const std::string&) {
    fixture.resolver->cancel(other);
    if (++rounds < 20) fixture.ask("e.example");
  };
  fixture.ask("e.example");
  other = fixture.ask("e.example");
  REQUIRE(fixture.run_until([&] { return rounds == 20; }));
  CHECK(fixture.world.count(fixture.world.begun) >= 20);
}

TEST_CASE("the end waits for no look-up, begun, answered or not") {
  Fixture fixture;
  for (int i = 0; i < 4; ++i)
    fixture.ask((i % 2 == 0 ? "hang" : "f") + std::to_string(i));
  REQUIRE(fixture.run_until([&] { return fixture.world.count(fixture.world.begun) == 4; }));
  fixture.resolver.reset();  // two hang; the other two may have answered or not
  CHECK(fixture.world.count(fixture.world.returned) <= 2);
  CHECK(fixture.answers.size() <= 2);
  // The Loop aborts at its end where a handle is left.
}

TEST_CASE("many names at once, while resolvers come and go") {
  World& world = new_world();
  world.release();
  for (int round = 0; round < 50; ++round) {
    Loop loop;
    int answered = 0;
    {
      Resolver resolver(loop, {60s, 4, look_up_in_world});
      for (int i = 0; i < 8; ++i)
        resolver.ask("g" + std::to_string(i), [&](const auto&) { ++answered; });
      for (int i = 0; i < round % 7; ++i)
        loop.run_ready();
    }
    CHECK(answered <= 8);
  }
  world.wait_for_all();
}

TEST_CASE("the system's own look-up answers literals and localhost") {
  Loop loop;
  std::vector<std::string> got;
  Resolver resolver(loop);
  for (const char* host : {"127.0.0.1", "localhost", "no-such-host.invalid"}) {
    resolver.ask(host, [&got, host](const Result<HostAddresses>& result) {
      got.push_back(std::string(host) +
                    (result ? " is " + result->addresses[0].ip_text() : " is nobody"));
    });
  }
  while (got.size() < 3)
    loop.run_once();  // each is answered, at the latest by the timer
  std::sort(got.begin(), got.end());
  CHECK(got[0] == "127.0.0.1 is 127.0.0.1");
  CHECK(got[1].starts_with("localhost is "));
  CHECK(got[2] == "no-such-host.invalid is nobody");
}
