// FdWatch: what the owner of a foreign descriptor hears of it, errors above all.
#include "core/loop/fd_watch.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr int kMostRounds = 1'000;

struct Pair {
  Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0); }
  ~Pair() {
    ::close(ends[0]);
    if (ends[1] >= 0) ::close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

// A port of loopback that nobody listens on, kept by a socket that is bound and does not listen.
struct ClosedPort {
  ClosedPort() : fd(::socket(AF_INET, SOCK_STREAM, 0)) {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  }
  ~ClosedPort() { ::close(fd); }
  int fd;
  sockaddr_in address{};
};

template <class Done>
bool run_until(Loop& loop, Done done) {
  for (int i = 0; i < kMostRounds && !done(); ++i)
    loop.run_once();
  return done();
}

}  // namespace

TEST_CASE("a watched descriptor tells what it is watched for, until it is not", "[loop]") {
  Loop loop;
  Pair pair;
  int heard = 0;
  auto watch = std::make_unique<FdWatch>(loop, pair.ends[0], [&](std::uint8_t events) {
    CHECK(events == FdWatch::kRead);
    char byte = 0;
    CHECK(::read(pair.ends[0], &byte, 1) == 1);
    ++heard;
  });
  REQUIRE(watch->ok());
  REQUIRE(::write(pair.ends[1], "ab", 2) == 2);
  loop.run_ready();
  CHECK(heard == 0);
  watch->set(FdWatch::kRead);
  CHECK(run_until(loop, [&] { return heard == 2; }));
  watch->set(FdWatch::kNone);
  REQUIRE(::write(pair.ends[1], "c", 1) == 1);
  loop.run_ready();
  CHECK(heard == 2);
}

TEST_CASE("a connection that is refused is told as readable and writable", "[loop]") {
  Loop loop;
  ClosedPort port;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  ::connect(fd, reinterpret_cast<sockaddr*>(&port.address), sizeof port.address);
  std::uint8_t events = 0;
  std::unique_ptr<FdWatch> watch;
  watch = std::make_unique<FdWatch>(loop, fd, [&](std::uint8_t happened) {
    events = happened;
    watch.reset();  // its owner may give it up from inside
  });
  watch->set(FdWatch::kWrite);
  CHECK(run_until(loop, [&] { return events != 0; }));
  CHECK((events & FdWatch::kWrite) != 0);
  int error = 0;
  socklen_t length = sizeof error;
  CHECK(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0);
  CHECK(error == ECONNREFUSED);
  loop.run_ready();
  ::close(fd);
}

TEST_CASE("a file cannot be watched, and that is said", "[loop]") {
  Loop loop;
  const int fd = ::open("/proc/self/exe", O_RDONLY);
  const FdWatch watch(loop, fd, [](std::uint8_t) {});
  CHECK_FALSE(watch.ok());
  ::close(fd);
}
