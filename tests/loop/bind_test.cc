// Opening sockets: the failing step is named, a group has one number, unix files come and go.
#include "core/net/bind.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/host/binder.h"
#include "core/socket/socket.h"
#include "tests/support/catch.h"

using namespace polyport;
namespace fs = std::filesystem;

namespace {

BindTarget tcp(const char* ip, std::uint16_t port = 0) {
  return {.address = *Address::parse_ip(ip, port)};
}

struct TemporaryDirectory {
  TemporaryDirectory() {
    char name[] = "/tmp/polyport-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~TemporaryDirectory() { fs::remove_all(path); }
  fs::path path;
};

BindTarget unix_at(const fs::path& path) {
  return {.transport = Transport::kUnix, .address = {.family = Family::kUnix}, .path = path};
}

}  // namespace

TEST_CASE("a taken port: which step failed, with what, and how the socket was set") {
  auto first = open_group({{tcp("127.0.0.1")}}, {});
  REQUIRE(first);
  const std::uint16_t port = first->front().target.address.port;
  const auto second = open_group({{tcp("127.0.0.1", port)}}, {});
  REQUIRE_FALSE(second);
  REQUIRE(second.error().size() == 1);
  const BindAttempt& attempt = second.error().front();
  CHECK(attempt.target == tcp("127.0.0.1", port));
  CHECK(attempt.step == BindStep::kBind);
  CHECK(attempt.error == EADDRINUSE);
  CHECK(attempt.reuse_address);
  CHECK_FALSE(attempt.reuse_port);
  first->clear();
  CHECK(open_group({{tcp("127.0.0.1", port)}}, {}));  // free again at once: SO_REUSEADDR
}

TEST_CASE("an address of another machine cannot be had") {
  const auto result = open_group({{tcp("192.0.2.1", 1)}}, {});
  REQUIRE_FALSE(result);
  CHECK(result.error().front().error == EADDRNOTAVAIL);
}

TEST_CASE("of a written number every address that fails is told") {
  auto holder = open_group({{tcp("127.0.0.1"), tcp("127.0.0.3")}}, {});
  REQUIRE(holder);
  const std::uint16_t port = holder->front().target.address.port;
  const auto group =
      open_group({{tcp("127.0.0.1", port), tcp("127.0.0.2", port), tcp("127.0.0.3", port)}}, {});
  REQUIRE_FALSE(group);
  REQUIRE(group.error().size() == 2);
  CHECK(group.error()[0].target.address.ip_text() == "127.0.0.1");
  CHECK(group.error()[1].target.address.ip_text() == "127.0.0.3");
}

TEST_CASE("a port is shared with who allows it, and a plain bind still finds that it is taken") {
  for (const Transport transport : {Transport::kTcp, Transport::kUdp}) {
    CAPTURE(name(transport));
    BindTarget any = tcp("127.0.0.1");
    any.transport = transport;
    auto allows = open_group({{any}}, {.sharing = Sharing::kAllow});
    REQUIRE(allows);
    const BindTarget same = allows->front().target;
    const auto plain = open_group({{same}}, {.sharing = Sharing::kAllow});
    REQUIRE_FALSE(plain);
    CHECK(plain.error().front().error == EADDRINUSE);
    CHECK(open_group({{same}}, {.sharing = Sharing::kJoin}));
    allows->clear();
    auto refuses = open_group({{same}}, {});
    REQUIRE(refuses);
    const auto joined = open_group({{same}}, {.sharing = Sharing::kJoin});
    REQUIRE_FALSE(joined);
    CHECK(joined.error().front().reuse_port);
  }
}

TEST_CASE("port 0 means one number for the whole group") {
  for (int i = 0; i < 20; ++i) {
    const auto group = open_group({{tcp("127.0.0.1"), tcp("127.0.0.2"), tcp("127.0.0.3")}}, {});
    REQUIRE(group);
    REQUIRE(group->size() == 3);
    const std::uint16_t port = group->front().target.address.port;
    CHECK(port != 0);
    for (const OpenSocket& socket : *group)
      CHECK(socket.target.address.port == port);
  }
}

TEST_CASE("a group that cannot be had whole leaves nothing open") {
  auto blocker = open_group({{tcp("127.0.0.2")}}, {});
  REQUIRE(blocker);
  const std::uint16_t port = blocker->front().target.address.port;
  REQUIRE_FALSE(open_group({{tcp("127.0.0.1", port), tcp("127.0.0.2", port)}}, {}));
  CHECK(open_group({{tcp("127.0.0.1", port)}}, {}));
}

TEST_CASE("a unix socket has its mode from the start and its file goes with it") {
  TemporaryDirectory directory;
  const fs::path path = directory.path / "s.sock";
  {
    const mode_t before = ::umask(022);  // takes away the very bit that connecting needs
    const auto group = open_group({{unix_at(path)}}, {.unix_mode = 0662});
    ::umask(before);
    REQUIRE(group);
    struct stat file;
    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(S_ISSOCK(file.st_mode));
    CHECK((file.st_mode & 0777) == 0662);
    const auto second = open_group({{unix_at(path)}}, {});
    REQUIRE_FALSE(second);
    CHECK(second.error().front().step == BindStep::kPath);
    CHECK(second.error().front().error == EADDRINUSE);
  }
  CHECK(fs::is_empty(directory.path));  // the socket and its lock are gone
}

TEST_CASE("a leftover socket is replaced, a live one and any other file are not") {
  TemporaryDirectory directory;
  const fs::path path = directory.path / "s.sock";
  SECTION("leftover") {
    const int fd = sock::open_stream(Family::kUnix);
    REQUIRE(sock::bind_unix(fd, path.string(), 0600) == 0);
    sock::close(fd);  // as a process that was killed leaves it
    CHECK(open_group({{unix_at(path)}}, {}));
  }
  SECTION("live, of a program that takes no lock") {
    const int fd = sock::open_stream(Family::kUnix);
    REQUIRE(sock::bind_unix(fd, path.string(), 0600) == 0);
    REQUIRE(sock::listen(fd, 1) == 0);
    const auto group = open_group({{unix_at(path)}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().error == EADDRINUSE);
    CHECK(fs::exists(path));
    sock::close(fd);
  }
  SECTION("bound by a program that does not listen yet, or never will") {
    const int fd = sock::open_stream(Family::kUnix);
    REQUIRE(sock::bind_unix(fd, path.string(), 0600) == 0);
    const auto group = open_group({{unix_at(path)}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().error == EADDRINUSE);
    CHECK(fs::exists(path));
    CHECK(sock::listen(fd, 1) == 0);  // and its clients still find it
    const int client = sock::open_stream(Family::kUnix);
    CHECK(sock::connect_unix(client, path.string()) == 0);
    sock::close(client);
    sock::close(fd);
  }
  SECTION("leftover whose name another file of another socket had") {
    const int gone = sock::open_stream(Family::kUnix);
    REQUIRE(sock::bind_unix(gone, path.string(), 0600) == 0);
    fs::rename(path, directory.path / "moved");
    const int fd = sock::open_stream(Family::kUnix);
    REQUIRE(sock::bind_unix(fd, path.string(), 0600) == 0);
    sock::close(fd);
    CHECK(open_group({{unix_at(path)}}, {}));
    CHECK(fs::exists(directory.path / "moved"));
    sock::close(gone);
  }
  SECTION("a file") {
    std::ofstream(path) << "precious";
    const auto group = open_group({{unix_at(path)}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().error == ENOTSOCK);
    CHECK(fs::file_size(path) == 8);
  }
  SECTION("a directory") {
    fs::create_directory(path);
    const auto group = open_group({{unix_at(path)}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().error == EISDIR);
    CHECK(fs::is_directory(path));
  }
  SECTION("a directory that is not there") {
    const auto group = open_group({{unix_at(directory.path / "no" / "s.sock")}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().step == BindStep::kPath);
    CHECK(group.error().front().error == ENOENT);
  }
  SECTION("a path that does not fit, by one byte") {
    std::string longest = directory.path.string() + "/";
    longest.resize(107, 'x');
    CHECK(open_group({{unix_at(longest)}}, {}));
    const auto group = open_group({{unix_at(longest + "x")}}, {});
    REQUIRE_FALSE(group);
    CHECK(group.error().front().error == ENAMETOOLONG);
    CHECK(fs::is_empty(directory.path));  // no lock was made for it
  }
  SECTION("abstract") {
    BindTarget target = unix_at("");
    target.path = "@polyport-test-" + std::to_string(::getpid());
    auto group = open_group({{target}}, {});
    REQUIRE(group);
    CHECK_FALSE(open_group({{target}}, {}));
    group->clear();
    CHECK(open_group({{target}}, {}));
  }
}
