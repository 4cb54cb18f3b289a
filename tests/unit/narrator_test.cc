// The sentences of --narrate are decided by the calls of the run.
#include "app/narrator.h"

#include <cerrno>
#include <string>

#include "tests/support/catch.h"

using polyport::Narrator;
using polyport::sock::Call;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the life of a TCP port is told call by call") {
  Narrator narrator;
  CHECK(
      narrator.tell({"socket", -1, "AF_INET, SOCK_STREAM", 7, 0}) ==
      "socket(AF_INET, SOCK_STREAM) = 7            a new TCP socket for IPv4: a number (7) for us, "
      "no port yet\n");
  CHECK(
      narrator.tell({"bind", 7, "127.0.0.1:10007", 0, 0}) ==
      "bind(7, 127.0.0.1:10007) = 0                the kernel reserved port 10007 on 127.0.0.1 for "
      "this process\n");
  CHECK(has(narrator.tell({"listen", 7, "backlog 4096", 0, 0}), "listen(7, backlog 4096) = 0  "));
  CHECK(has(narrator.tell({"accept4", 7, "127.0.0.1:51658", 12, 0}),
            "127.0.0.1:51658 leaves the queue and becomes socket 12; our end of it is still port "
            "10007\n"));
  CHECK(has(narrator.tell({"shutdown", 12, "SHUT_WR", 0, 0}),
            "the kernel sends our FIN to 127.0.0.1:51658"));
  CHECK(has(narrator.tell({"close", 12, "", 0, 0}),
            "close(12) = 0                               the connection with 127.0.0.1:51658 is "
            "over\n"));
  CHECK(has(narrator.tell({"close", 7, "", 0, 0}),
            "port 10007 on 127.0.0.1 is free for others again\n"));
}

TEST_CASE("another answer of the kernel gives another sentence") {
  Narrator narrator;
  narrator.tell({"socket", -1, "AF_INET, SOCK_STREAM", 7, 0});
  const std::string taken = narrator.tell({"bind", 7, "127.0.0.1:80", -1, EADDRINUSE});
  CHECK(has(taken, "bind(7, 127.0.0.1:80) = -1 EADDRINUSE"));
  CHECK(has(taken, "refused: another socket holds this address and port"));
  CHECK(has(narrator.tell({"bind", 7, "127.0.0.1:80", -1, EACCES}),
            "refused: this user may not have this port"));
  // It never had a port, so closing it frees none.
  CHECK(has(narrator.tell({"close", 7, "", 0, 0}), "it never had a port"));
}

TEST_CASE("a datagram port has no queue of clients") {
  Narrator narrator;
  CHECK(has(narrator.tell({"socket", -1, "AF_INET6, SOCK_DGRAM", 9, 0}),
            "a new UDP socket for IPv6"));
  CHECK(has(narrator.tell({"bind", 9, "[::]:10007", 0, 0}),
            "port 10007 on every address for this process: datagrams for it wait here"));
}

TEST_CASE("port 0 is the kernel's choice") {
  Narrator narrator;
  narrator.tell({"socket", -1, "AF_INET, SOCK_STREAM", 7, 0});
  CHECK(has(narrator.tell({"bind", 7, "127.0.0.1:0", 0, 0}), "the kernel chose a free port"));
}

TEST_CASE("a path from outside cannot steer the terminal") {
  Narrator narrator;
  narrator.tell({"socket", -1, "AF_UNIX, SOCK_STREAM", 7, 0});
  CHECK(!has(narrator.tell({"bind", 7, "/tmp/\x1b[2J", 0, 0}), "\x1b"));
}

TEST_CASE("a connection of our own is told from SYN to end") {
  Narrator narrator;
  narrator.tell({"socket", -1, "AF_INET, SOCK_STREAM", 7, 0});
  CHECK(has(narrator.tell({"connect", 7, "127.0.0.1:5432", -1, EINPROGRESS}),
            "EINPROGRESS  the kernel sends a SYN to 127.0.0.1:5432\n"));
  CHECK(has(narrator.tell({"close", 7, "", 0, 0}), "the connection with 127.0.0.1:5432 is over"));
  CHECK(has(narrator.tell({"connect", 8, "/run/db.sock", 0, 0}), "in the queue of /run/db.sock"));
  CHECK(has(narrator.tell({"connect", 9, "127.0.0.1:1", -1, ECONNREFUSED}),
            "refused: nobody listens there"));
}
