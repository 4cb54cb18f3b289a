// Answers of NETLINK_SOCK_DIAG, read from bytes written by hand: the layout is that of
// <linux/netlink.h>, <linux/inet_diag.h> and <linux/unix_diag.h>.
#include "core/socket/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>

#include "tests/support/catch.h"

using namespace polyport;
using sock::DiagPart;
using sock::DiagSocket;

namespace {

constexpr std::uint32_t kSequence = 7;

template <class Struct>
std::string bytes_of(const Struct& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) & ~std::size_t{3}, '\0');
  return bytes;
}

std::string attribute(unsigned type, const std::string& content) {
  nlattr head{};
  head.nla_len = static_cast<std::uint16_t>(sizeof head + content.size());
  head.nla_type = static_cast<std::uint16_t>(type);
  return padded(bytes_of(head) + content);
}

std::string message(unsigned type, const std::string& body, unsigned flags = NLM_F_MULTI,
                    std::uint32_t sequence = kSequence) {
  nlmsghdr head{};
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + body.size());
  head.nlmsg_type = static_cast<std::uint16_t>(type);
  head.nlmsg_flags = static_cast<std::uint16_t>(flags);
  head.nlmsg_seq = sequence;
  return padded(bytes_of(head) + body);
}

std::string end_of_dump(int error = 0) {
  return message(NLMSG_DONE, bytes_of(error));
}

// A listener on 127.0.0.1:8080 of user 1000, three of 128 places taken.
inet_diag_msg listener() {
  inet_diag_msg body{};
  body.idiag_family = AF_INET;
  body.idiag_state = TCP_LISTEN;
  body.id.idiag_sport = htons(8080);
  body.id.idiag_src[0] = htonl(INADDR_LOOPBACK);
  body.idiag_rqueue = 3;
  body.idiag_wqueue = 128;
  body.idiag_uid = 1000;
  body.idiag_inode = 4711;
  return body;
}

std::string listener_message() {
  return message(SOCK_DIAG_BY_FAMILY, bytes_of(listener()));
}

struct Reading {
  DiagPart part;
  std::vector<DiagSocket> found;
};

Reading read(const std::string& datagram) {
  Reading reading;
  // An exact copy on the heap: a sanitizer sees one byte too many.
  const std::vector<char> copy(datagram.begin(), datagram.end());
  reading.part = sock::read_diag_part(Bytes(copy.data(), copy.size()), kSequence, reading.found);
  return reading;
}

}  // namespace

TEST_CASE("a listener as the kernel tells it", "[sock_diag]") {
  const Reading reading = read(listener_message());
  CHECK(reading.part.next == DiagPart::Next::kMore);
  REQUIRE(reading.found.size() == 1);
  const DiagSocket& socket = reading.found.front();
  CHECK(socket.family == Family::kIPv4);
  CHECK(socket.state == TCP_LISTEN);
  CHECK(socket.local.text() == "127.0.0.1:8080");
  CHECK(socket.peer.family == Family::kNone);
  CHECK(socket.uid == 1000u);
  CHECK(socket.inode == 4711);
  CHECK(socket.receive_queue == 3);
  CHECK(socket.send_queue == 128);
}

TEST_CASE("IPV6_V6ONLY is an attribute, and a missing one means no", "[sock_diag]") {
  inet_diag_msg body = listener();
  body.idiag_family = AF_INET6;
  body.id.idiag_src[0] = 0;
  const std::string shutdown = attribute(INET_DIAG_SHUTDOWN, std::string(1, '\0'));
  const std::string only = attribute(INET_DIAG_SKV6ONLY, std::string(1, '\1'));
  CHECK_FALSE(read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body) + shutdown)).found.at(0).ipv6_only);
  const Reading reading = read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body) + shutdown + only));
  REQUIRE(reading.found.size() == 1);
  CHECK(reading.found[0].ipv6_only);
  CHECK(reading.found[0].local.text() == "[::]:8080");
}

TEST_CASE("a connection of a dual-stack socket has IPv4 addresses", "[sock_diag]") {
  inet_diag_msg body = listener();
  body.idiag_family = AF_INET6;
  body.idiag_state = TCP_ESTABLISHED;
  for (auto* const ip : {&body.id.idiag_src, &body.id.idiag_dst}) {
    (*ip)[0] = (*ip)[1] = 0;
    (*ip)[2] = htonl(0xffff);
    (*ip)[3] = htonl(INADDR_LOOPBACK);
  }
  body.id.idiag_dport = htons(40001);
  const Reading reading = read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body)));
  REQUIRE(reading.found.size() == 1);
  CHECK(reading.found[0].family == Family::kIPv6);
  CHECK(reading.found[0].local.text() == "127.0.0.1:8080");
  CHECK(reading.found[0].peer.text() == "127.0.0.1:40001");
}

TEST_CASE("the interface counts as the scope of a link-local address only", "[sock_diag]") {
  inet_diag_msg body = listener();
  body.id.idiag_if = 3;
  const Reading bound = read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body)));
  CHECK(bound.found.at(0).interface == 3);
  CHECK(bound.found.at(0).local.scope_id == 0);
  body.idiag_family = AF_INET6;
  body.id.idiag_src[0] = htonl(0xfe800000);
  const Reading local = read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body)));
  CHECK(local.found.at(0).local.scope_id == 3);
}

TEST_CASE("a unix socket: name, owner, queue", "[sock_diag]") {
  unix_diag_msg body{};
  body.udiag_family = AF_UNIX;
  body.udiag_state = TCP_LISTEN;
  body.udiag_ino = 99;
  const std::string name = attribute(UNIX_DIAG_NAME, std::string("\0abstract", 9));
  const std::string uid = attribute(7, bytes_of(std::uint32_t{33}));
  const std::string queue = attribute(UNIX_DIAG_RQLEN, bytes_of(unix_diag_rqlen{2, 50}));
  const Reading reading = read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body) + name + uid + queue));
  REQUIRE(reading.found.size() == 1);
  const DiagSocket& socket = reading.found[0];
  CHECK(socket.family == Family::kUnix);
  CHECK(socket.path == std::string("\0abstract", 9));
  CHECK(socket.uid == 33u);
  CHECK(socket.receive_queue == 2);
  CHECK(socket.send_queue == 50);
  // Kernels before 5.3 do not tell the owner.
  CHECK_FALSE(read(message(SOCK_DIAG_BY_FAMILY, bytes_of(body) + name)).found.at(0).uid);
}

TEST_CASE("how an answer ends", "[sock_diag]") {
  const Reading done = read(listener_message() + end_of_dump());
  CHECK(done.part.next == DiagPart::Next::kDone);
  CHECK(done.found.size() == 1);

  const Reading refused = read(message(NLMSG_ERROR, bytes_of(nlmsgerr{-EPERM, {}})));
  CHECK(refused.part.next == DiagPart::Next::kFailed);
  CHECK(refused.part.error == -EPERM);

  CHECK(read(end_of_dump(-EINVAL)).part.error == -EINVAL);
  // What follows the end is not read.
  CHECK(read(end_of_dump() + listener_message()).found.empty());
}

TEST_CASE("a table that changed meanwhile is known by its flag", "[sock_diag]") {
  const std::string changed =
      message(SOCK_DIAG_BY_FAMILY, bytes_of(listener()), NLM_F_MULTI | NLM_F_DUMP_INTR);
  CHECK(read(changed + end_of_dump()).part.interrupted);
  CHECK(read(message(NLMSG_DONE, bytes_of(0), NLM_F_DUMP_INTR)).part.interrupted);
  CHECK_FALSE(read(listener_message() + end_of_dump()).part.interrupted);
}

TEST_CASE("answers to another question and unknown messages are passed over", "[sock_diag]") {
  const std::string stale =
      message(SOCK_DIAG_BY_FAMILY, bytes_of(listener()), NLM_F_MULTI, kSequence - 1);
  const std::string stale_end = message(NLMSG_DONE, bytes_of(0), NLM_F_MULTI, kSequence - 1);
  const std::string unknown = message(NLMSG_NOOP, "") + message(4711, "what?");
  const Reading reading = read(stale + stale_end + unknown + listener_message());
  CHECK(reading.part.next == DiagPart::Next::kMore);
  CHECK(reading.found.size() == 1);
}

TEST_CASE("lengths that lie are no answer", "[sock_diag]") {
  const auto is_bad = [](const std::string& datagram) {
    const Reading reading = read(datagram);
    return reading.part.next == DiagPart::Next::kFailed && reading.part.error == -EBADMSG;
  };
  const auto with_length = [](std::string bytes, std::uint32_t length) {
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes;
  };
  const std::string whole = listener_message();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(is_bad(whole.substr(0, size)));
  }
  for (const std::uint32_t length : {0u, 1u, 15u, 89u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(length);
    CHECK(is_bad(with_length(whole, length)));
  }
  CHECK(is_bad(message(SOCK_DIAG_BY_FAMILY, "")));
  CHECK(is_bad(message(SOCK_DIAG_BY_FAMILY, std::string(1, AF_UNIX))));
  CHECK(is_bad(message(NLMSG_ERROR, "x")));

  nlattr lie{};
  for (const std::uint16_t length : {std::uint16_t{0}, std::uint16_t{3}, std::uint16_t{64}}) {
    CAPTURE(length);
    lie.nla_len = length;
    lie.nla_type = INET_DIAG_SKV6ONLY;
    CHECK(is_bad(message(SOCK_DIAG_BY_FAMILY, bytes_of(listener()) + bytes_of(lie))));
  }
  // An attribute too small for its type is one that says nothing.
  const std::string nothing = attribute(INET_DIAG_SKV6ONLY, "");
  CHECK(read(message(SOCK_DIAG_BY_FAMILY, bytes_of(listener()) + nothing)).found.size() == 1);
}
