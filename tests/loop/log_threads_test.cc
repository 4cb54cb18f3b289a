// The log's thread: a reader that stops never holds the writer up, and what is lost is counted.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "core/observe/log.h"
#include "tests/support/catch.h"

using polyport::Log;
using polyport::LogLine;
using Clock = std::chrono::steady_clock;

namespace {

// A pipe whose writing end a log opens by its path in /proc.
struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  void close_reader() { close_end(ends[0]); }
  void close_writer() { close_end(ends[1]); }
  std::string writer() const { return "/proc/self/fd/" + std::to_string(ends[1]); }
  // What is there now, until nothing comes for `patience`.
  std::string read_all(int patience_ms) {
    std::string all;
    std::array<char, 65536> piece{};
    for (pollfd entry{ends[0], POLLIN, 0}; poll(&entry, 1, patience_ms) > 0;) {
      const ssize_t got = read(ends[0], piece.data(), piece.size());
      if (got <= 0) break;
      all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return all;
  }
  static void close_end(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int ends[2] = {-1, -1};
};

std::unique_ptr<Log> open_log(const std::string& target, Log::Format format = Log::Format::kText) {
  auto log = Log::open({polyport::LogLevel::kInfo, format, target});
  REQUIRE(log.has_value());
  return std::move(*log);
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

constexpr std::size_t kBurst = 50'000;

void write_burst(Log& log) {
  const std::string padding(60, 'x');
  for (std::size_t i = 0; i < kBurst; ++i)
    log.info({"burst", padding});
}

}  // namespace

TEST_CASE("what is logged is in the file when the log is gone") {
  std::string path = "/tmp/polyport_log_XXXXXX";
  const int fd = mkstemp(path.data());
  REQUIRE(fd >= 0);
  close(fd);
  {
    const auto log = open_log(path, Log::Format::kJson);
    for (int i = 0; i < 1000; ++i)
      log->info({"tick", std::to_string(i)});
    log->debug({"too_quiet"});
    CHECK(log->dropped() == 0);
  }
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  unlink(path.c_str());
  CHECK(lines_in(text) == 1000);
  CHECK(text.find("\"event\":\"tick\",\"msg\":\"999\"}\n") != std::string::npos);
  CHECK(text.find("too_quiet") == std::string::npos);
}

TEST_CASE("flush returns when every line is with the reader") {
  Pipe pipe;
  const auto log = open_log(pipe.writer());
  for (int i = 0; i < 100; ++i)
    log->info({"tick"});
  log->flush();
  CHECK(lines_in(pipe.read_all(0)) == 100);
}

TEST_CASE("a reader that stops does not hold up the writer, and each lost line is counted") {
  Pipe pipe;
  auto log = open_log(pipe.writer());
  auto slowest = Clock::duration::zero();
  const std::string padding(60, 'x');
  for (std::size_t i = 0; i < kBurst; ++i) {
    const auto before = Clock::now();
    log->info({"burst", padding});
    slowest = std::max(slowest, Clock::now() - before);
  }
  // The pipe takes 64 KiB; a writer that waited for room would wait for ever. The bound is wide
  // because the machine may be busy.
  CHECK(slowest < std::chrono::seconds(2));
  CHECK(log->dropped() > 0);

  // The reader comes back: what was kept arrives whole, and kept and lost make up all.
  std::string text;
  std::thread reader([&] { text = pipe.read_all(5000); });
  log->flush();
  const std::uint64_t dropped = log->dropped();
  log.reset();
  pipe.close_writer();
  reader.join();
  CHECK(lines_in(text) + dropped == kBurst);
}

TEST_CASE("a log whose reader never comes back ends all the same") {
  Pipe pipe;
  auto log = open_log(pipe.writer());
  write_burst(*log);
  const auto before = Clock::now();
  log.reset();
  CHECK(Clock::now() - before < std::chrono::seconds(20));  // forever, without the limit
}

TEST_CASE("a reader that closes its pipe kills nobody, and its lines are counted as lost") {
  Pipe pipe;
  const auto log = open_log(pipe.writer());
  pipe.close_reader();
  for (int i = 0; i < 10; ++i)
    log->info({"tick"});
  log->flush();
  CHECK(log->dropped() == 10);
}

TEST_CASE("two threads may log") {
  Pipe pipe;
  const auto log = open_log(pipe.writer());
  std::thread other([&log] {
    for (int i = 0; i < 200; ++i)
      log->info({"other"});
  });
  for (int i = 0; i < 200; ++i)
    log->info({"one"});
  other.join();
  log->flush();
  CHECK(lines_in(pipe.read_all(0)) == 400);
}

TEST_CASE("a target that cannot be opened is an error that names it") {
  const auto log = Log::open({polyport::LogLevel::kInfo, Log::Format::kText, "/no/such/dir/log"});
  REQUIRE(!log.has_value());
  CHECK(log.error().where == "/no/such/dir/log");
  CHECK(log.error().what == "cannot open the log: No such file or directory");
}
