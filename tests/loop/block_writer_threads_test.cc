// BlockWriter: every line once and in order, and nobody waits for a reader that stands still.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/observe/block_writer.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/polyport-test-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

std::string read_all(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string line(int number) {
  return "line " + std::to_string(number) + "\n";
}

}  // namespace

TEST_CASE("every line is written once and in order", "[threads]") {
  const Folder folder;
  const std::string path = folder.path + "/log";
  std::string expected;
  for (int run = 0; run < 2; ++run) {
    const auto writer = BlockWriter::open(path);
    REQUIRE(writer);
    int firsts = 0;
    for (int i = 0; i < 40'000; ++i) {
      expected += line(i);
      firsts += (*writer)->add(line(i)) ? 1 : 0;
      if (i % 9'000 == 0) (*writer)->hand_over();
    }
    CHECK(firsts > 5);
    CHECK((*writer)->dropped() == 0);
  }
  CHECK(read_all(path) == expected);
}

TEST_CASE("a reader that stands still costs lines, not time; all are accounted for", "[threads]") {
  const Folder folder;
  const std::string path = folder.path + "/fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  constexpr int kLines = 400'000;  // 5 MB: far more than pipe and blocks hold
  std::uint64_t dropped = 0;
  {
    const auto writer = BlockWriter::open(path);
    REQUIRE(writer);
    for (int i = 0; i < kLines; ++i)
      (*writer)->add(line(i));
    (*writer)->hand_over();
    dropped = (*writer)->dropped();
    CHECK(dropped > 0);
    CHECK(dropped < kLines);
  }  // ends within its second though nobody reads
  ::close(reader);
}

TEST_CASE("what is written while a reader reads arrives", "[threads]") {
  const Folder folder;
  const std::string path = folder.path + "/fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  ::fcntl(reader, F_SETFL, 0);
  std::string read;
  {
    const auto writer = BlockWriter::open(path);
    REQUIRE(writer);
    std::thread thread([&] {
      char buffer[4096];
      for (ssize_t count = 0; (count = ::read(reader, buffer, sizeof buffer)) > 0;)
        read.append(buffer, static_cast<std::size_t>(count));
    });
    for (int i = 0; i < 1000; ++i)
      (*writer)->add(line(i));
    (*writer)->hand_over();
    // The writer's end closes the pipe, which ends the reader.
    const_cast<std::unique_ptr<BlockWriter>&>(*writer).reset();
    thread.join();
  }
  ::close(reader);
  CHECK(read.starts_with(line(0) + line(1)));
  CHECK(read.ends_with(line(999)));
}

TEST_CASE("a target that cannot be opened is told", "[threads]") {
  const auto writer = BlockWriter::open("/nonexistent/folder/log");
  REQUIRE_FALSE(writer);
  CHECK(writer.error().where == "/nonexistent/folder/log");
  CHECK(BlockWriter::open("stderr"));
}
