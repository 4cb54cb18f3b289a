// From a socket to its process, with real sockets and real processes of this test.
#include "core/ports/processes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "core/ports/fd_links.h"
#include "core/ports/kernel_sockets.h"
#include "core/ports/namespaces.h"
#include "core/socket/socket.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

std::uint64_t inode_of(int fd) {
  struct stat facts {};
  REQUIRE(::fstat(fd, &facts) == 0);
  return facts.st_ino;
}

// A child that keeps what it has inherited open, and ends with its end of a pipe.
class Child {
 public:
  Child() {
    REQUIRE(::pipe2(pipe_.data(), O_CLOEXEC) == 0);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::close(pipe_[1]);
      char byte = 0;
      [[maybe_unused]] const auto end = ::read(pipe_[0], &byte, 1);
      ::_exit(0);
    }
    ::close(pipe_[0]);
  }
  ~Child() {
    ::close(pipe_[1]);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }

 private:
  std::array<int, 2> pipe_{};
  int pid_ = 0;
};

class MemoryFile {
 public:
  MemoryFile(const char* file_name, std::string_view text) {
    fd_ = ::memfd_create(file_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    REQUIRE(fd_ >= 0);
    REQUIRE(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void seal() {
    REQUIRE(::fcntl(fd_, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) == 0);
  }

 private:
  int fd_ = -1;
};

const std::string kName(kPublishedServicesName);

}  // namespace

TEST_CASE("who has a socket: everybody who has it open", "[processes]") {
  const int fd = sock::open_stream(Family::kIPv4);
  const int copy = ::dup(fd);
  const std::uint64_t inode = inode_of(fd);
  const std::vector<std::uint64_t> wanted = {inode, inode, 0};
  const ProcessTable alone = ProcessTable::find(wanted);
  CHECK(alone.holders(inode) == std::vector<int>{::getpid()});
  CHECK(alone.why_hidden(inode, ::geteuid()) == Hidden::kNo);
  {
    const Child child;
    std::vector<int> both = {::getpid(), child.pid()};
    std::sort(both.begin(), both.end());
    CHECK(ProcessTable::find(wanted).holders(inode) == both);
  }
  CHECK(ProcessTable::find(wanted).holders(inode) == std::vector<int>{::getpid()});
  // Only what was asked for is kept.
  CHECK(ProcessTable::find({}).holders(inode).empty());
  sock::close(copy);
  sock::close(fd);
}

TEST_CASE("what has no file is not listed", "[processes]") {
  const ProcessTable table = ProcessTable::find({});
  CHECK(table.holders(0).empty());
  CHECK(table.why_hidden(0, 0) == Hidden::kNotListed);
  CHECK(name(Hidden::kNotListed) == "not_listed");
  CHECK(name(Hidden::kNo).empty());
}

TEST_CASE("a socket that no process has, as far as we can see", "[processes]") {
  const int fd = sock::open_stream(Family::kIPv4);
  const std::vector<std::uint64_t> inodes = {inode_of(fd)};
  sock::close(fd);
  const Hidden why = ProcessTable::find(inodes).why_hidden(inodes[0], ::geteuid());
  CHECK(why != Hidden::kNo);
  CHECK(why != Hidden::kNotListed);
  if (!in_first_pid_namespace()) CHECK(why != Hidden::kKernel);
}

TEST_CASE("what is known of this very process", "[processes]") {
  const auto before = std::chrono::system_clock::now();
  const Child child;
  const auto process = read_process(child.pid());
  const auto after = std::chrono::system_clock::now();
  REQUIRE(process);
  CHECK(process->pid == child.pid());
  CHECK(process->name == std::string("polyport_loop_tests").substr(0, 15));
  CHECK(process->command.find("polyport_loop_test") != std::string::npos);
  CHECK(process->uid == ::geteuid());
  CHECK(process->user == user_name(::geteuid()));
  REQUIRE(process->started);
  // The kernel counts in hundredths of a second, and the two clocks are read one after the other.
  CHECK(*process->started >= before - std::chrono::seconds(1));
  CHECK(*process->started <= after + std::chrono::seconds(1));
}

TEST_CASE("a process that is none", "[processes]") {
  int gone = 0;
  {
    const Child child;
    gone = child.pid();
  }
  CHECK_FALSE(read_process(gone));
  CHECK_FALSE(read_process(0));
  CHECK_FALSE(read_process(-1));
  CHECK(read_published_services(gone) == "");
}

TEST_CASE("users by name, else by number", "[processes]") {
  CHECK(user_name(0) == "root");
  CHECK(user_name(3'999'999'999) == "3999999999");
}

TEST_CASE("services are read from a sealed memory file", "[processes]") {
  const int fd = sock::open_stream(Family::kIPv4);
  const std::vector<std::uint64_t> inodes = {inode_of(fd)};
  CHECK(read_published_services(::getpid()) == "");
  CHECK_FALSE(ProcessTable::find(inodes).publishes(::getpid()));
  {
    MemoryFile file(kName.c_str(), "{\"event\":\"ready\"}\n");
    CHECK(ProcessTable::find(inodes).publishes(::getpid()));
    // One that can still be written to is not believed.
    CHECK(read_published_services(::getpid()) == "");
    file.seal();
    CHECK(read_published_services(::getpid()) == "{\"event\":\"ready\"}\n");
  }
  CHECK(read_published_services(::getpid()) == "");
  sock::close(fd);
}

TEST_CASE("files of another name or size are left alone", "[processes]") {
  MemoryFile other((kName + "2").c_str(), "x");
  other.seal();
  CHECK(read_published_services(::getpid()) == "");
  MemoryFile large(kName.c_str(), std::string((1 << 20) + 1, 'x'));
  large.seal();
  CHECK(read_published_services(::getpid()) == "");
  MemoryFile empty(kName.c_str(), "");
  empty.seal();
  CHECK(read_published_services(::getpid()) == "");
  MemoryFile good(kName.c_str(), std::string(1 << 20, 'x'));
  good.seal();
  CHECK(read_published_services(::getpid()).size() == 1 << 20);
}

TEST_CASE("the link of a published file, and what only looks like it", "[processes]") {
  CHECK(is_published_link("/memfd:polyport-services (deleted)"));
  for (const char* const link :
       {"", "/memfd:polyport-services", "memfd:polyport-services (deleted)", "/memfd: (deleted)",
        "/memfd:polyport-services  (deleted)", "/tmp/memfd:polyport-services (deleted)"}) {
    CAPTURE(link);
    CHECK_FALSE(is_published_link(link));
  }
}
