// What the supervisor and a worker say to each other: in order, whole, with descriptors, to the
// end.
#include "core/host/worker_channel.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "core/loop/loop.h"
#include "core/loop/timer.h"
#include "core/socket/passing.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

// One end of a channel with what it has heard.
struct End {
  End(Loop& loop, int fd)
      : channel(std::make_unique<WorkerChannel>(
            loop, fd,
            WorkerChannel::Events{
                .on_message = [this](WorkerChannel::Message message) { hear(message); },
                .on_lost = [this](std::string_view word) { lost.emplace_back(word); },
                .on_end = [this] { ++ends; }})) {}
  ~End() {
    for (const int fd : descriptors)
      ::close(fd);
  }

  void hear(WorkerChannel::Message& message) {
    words.push_back(message.word);
    bodies.push_back(std::move(message.body));
    descriptors.insert(descriptors.end(), message.descriptors.begin(), message.descriptors.end());
    if (on_message) on_message();
  }

  std::vector<std::string> words, bodies, lost;
  std::vector<int> descriptors;
  int ends = 0;
  std::function<void()> on_message;
  std::unique_ptr<WorkerChannel> channel;
};

struct Pair {
  Pair() { REQUIRE(sock::open_channel(ends) == 0); }
  std::array<int, 2> ends{};
};

template <class Condition>
void run_until(Loop& loop, Condition condition) {
  for (int i = 0; i < 10'000 && !condition(); ++i)
    loop.run_once();
  REQUIRE(condition());
}

}  // namespace

TEST_CASE("messages arrive whole and in order, small ones and large ones") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  const std::string large(3'000'000, 'x');
  left.channel->send("one", "with\na line and an @");
  left.channel->send("two");
  left.channel->send("three", large);
  left.channel->send("four", "end");
  run_until(loop, [&] { return right.words.size() == 4; });
  CHECK(right.words == std::vector<std::string>{"one", "two", "three", "four"});
  CHECK(right.bodies.at(0) == "with\na line and an @");
  CHECK(right.bodies.at(1).empty());
  CHECK(right.bodies.at(2) == large);
  CHECK(right.descriptors.empty());  // that of the large body is nobody's business
}

TEST_CASE("more than the kernel takes at one time waits") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  constexpr std::size_t kMessages = 500;
  for (std::size_t i = 0; i < kMessages; ++i)
    left.channel->send("part", std::to_string(i) + std::string(20'000, '.'));
  run_until(loop, [&] { return right.words.size() == kMessages; });
  for (std::size_t i = 0; i < kMessages; ++i)
    CHECK(right.bodies.at(i).starts_with(std::to_string(i) + "."));
  CHECK(left.ends == 0);
}

TEST_CASE("any number of descriptors goes along, in order, and the sender keeps its own") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  std::vector<int> files;
  std::vector<ino_t> inodes;
  for (int i = 0; i < 450; ++i) {
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
    ::close(pipe[1]);
    struct stat facts {};
    REQUIRE(::fstat(pipe[0], &facts) == 0);
    files.push_back(pipe[0]);
    inodes.push_back(facts.st_ino);
  }
  left.channel->send("take", "them", files);
  run_until(loop, [&] { return !right.words.empty() && right.words.back() == "take"; });
  REQUIRE(right.descriptors.size() == files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    struct stat facts {};
    REQUIRE(::fstat(right.descriptors[i], &facts) == 0);
    CHECK(facts.st_ino == inodes[i]);
    CHECK((::fcntl(right.descriptors[i], F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(::close(files[i]) == 0);
  }
  CHECK(right.bodies.back() == "them");
}

TEST_CASE("the end comes once, behind the last words") {
  Loop loop;
  Pair pair;
  auto left = std::make_unique<End>(loop, pair.ends[0]);
  End right(loop, pair.ends[1]);
  left->channel->send("failed", "because");
  left.reset();
  right.channel->send("ask");  // nobody hears it; what was said before is heard all the same
  run_until(loop, [&] { return right.ends > 0; });
  loop.run_ready();
  CHECK(right.ends == 1);
  CHECK(right.words == std::vector<std::string>{"failed"});
}

TEST_CASE("after its end a channel is not watched, whatever is sent") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]);
  ::close(pair.ends[1]);
  run_until(loop, [&] { return left.ends == 1; });
  left.channel->send("ask", std::string(100'000, 'x'));
  CHECK(left.channel->try_send("ask"));
  // A broken socket that is watched would be ready in each round.
  int rounds = 0;
  Timer end(loop, [&] { rounds = -rounds; });
  end.start(std::chrono::milliseconds(50));
  while (rounds >= 0 && rounds < 100) {
    ++rounds;
    loop.run_once();
  }
  CHECK(rounds < 0);
  CHECK(left.ends == 1);
}

namespace {

// As if the process had no more descriptors than it has now.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int next = ::dup(0);
    REQUIRE(next >= 0);
    ::close(next);
    rlimit now = before_;
    now.rlim_cur = static_cast<rlim_t>(next);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &now) == 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("who has no room for a message's descriptors loses that message alone") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  loop.run_ready();
  const std::vector<int> many(450, STDERR_FILENO);
  const std::vector<int> few(3, STDERR_FILENO);
  // UBSan needs a descriptor to look at an object of a class that it has not seen yet.
  left.channel->send("hello");
  run_until(loop, [&] { return !right.words.empty(); });
  right.words.clear();
  SECTION("its own") {
    left.channel->send("foster", "three", few);
  }
  SECTION("those that went ahead of it") {
    left.channel->send("foster", "many", many);
  }
  SECTION("its body") {
    left.channel->send("foster", std::string(100'000, 'x'));
  }
  left.channel->send("ask");
  {
    const NoMoreDescriptors none;
    run_until(loop, [&] { return !right.words.empty(); });
  }
  CHECK(right.words == std::vector<std::string>{"ask"});
  CHECK(right.lost == std::vector<std::string>{"foster"});
  CHECK(right.descriptors.empty());
  left.channel->send("foster", "again", few);
  run_until(loop, [&] { return right.words.size() == 2; });
  CHECK(right.descriptors.size() == few.size());
  CHECK(right.ends + left.ends == 0);
}

TEST_CASE("a message that cannot be made is not sent, or ends the channel") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  loop.run_ready();
  const std::vector<int> few(3, STDERR_FILENO);
  bool sockets = true, body = true;
  {
    const NoMoreDescriptors none;
    sockets = left.channel->try_send("foster", "three", few);
    body = left.channel->try_send("report", std::string(100'000, 'x'));
  }
  CHECK_FALSE(sockets);
  CHECK_FALSE(body);
  left.channel->send("ask");
  run_until(loop, [&] { return !right.words.empty(); });
  CHECK(right.words == std::vector<std::string>{"ask"});
  CHECK(left.ends == 0);
  {
    const NoMoreDescriptors none;
    left.channel->send("set_up", "three", few);
  }
  run_until(loop, [&] { return left.ends == 1; });
}

TEST_CASE("a channel may be destroyed by what it has heard") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]), right(loop, pair.ends[1]);
  right.on_message = [&right] { right.channel.reset(); };
  left.channel->send("one");
  left.channel->send("two");
  run_until(loop, [&] { return left.ends == 1; });
  CHECK(right.words == std::vector<std::string>{"one"});
}

TEST_CASE("what is no message of ours ends the channel") {
  Loop loop;
  Pair pair;
  End left(loop, pair.ends[0]);
  SECTION("bytes without a word") {
    sock::send_message(pair.ends[1], "nonsense", {});
  }
  SECTION("a large body that did not come") {
    sock::send_message(pair.ends[1], "word@", {});
  }
  SECTION("a large body that is no file") {
    sock::send_message(pair.ends[1], "word@", std::array{pair.ends[1]});
  }
  SECTION("more than a message may be") {
    sock::send_message(pair.ends[1], "word\n" + std::string(40'000, 'x'), {});
  }
  run_until(loop, [&] { return left.ends == 1; });
  CHECK(left.words.empty());
  ::close(pair.ends[1]);
}
