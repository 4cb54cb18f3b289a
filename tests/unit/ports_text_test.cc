// The tables of `polyport ports`, from snapshots made by hand: each kind of row, each note, and how
// lines are cut for a narrow terminal.
#include "app/commands/ports/ports_text.h"

#include "app/commands/ports/columns.h"
#include "app/commands/ports/ports_json.h"
#include "core/base/json_value.h"
#include "core/base/text.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr int kPid = 4211;

Snapshot empty_snapshot() {
  Snapshot snapshot;
  snapshot.source = KernelSockets::Source::kSockDiag;
  snapshot.shows_bound_tcp = true;
  snapshot.network = NetworkNamespace::kFirst;
  snapshot.uid = 1000;
  Process process;
  process.pid = kPid;
  process.name = "nginx";
  snapshot.processes.emplace(kPid, process);
  return snapshot;
}

PortRow row(SocketState state, const char* ip, std::uint16_t port) {
  PortRow made;
  made.socket.state = state;
  made.socket.local = *Address::parse_ip(ip, port);
  made.socket.ipv6_socket = made.socket.local.family == Family::kIPv6;
  made.socket.inode = 7;
  made.socket.uid_known = true;
  made.local = made.socket.local.text();
  made.user = "root";
  made.pids = {kPid};
  return made;
}

PortRow hidden(Hidden why, std::uint32_t uid = 0) {
  PortRow made = row(SocketState::kListening, "127.0.0.1", 80);
  made.pids.clear();
  made.hidden = why;
  made.socket.uid = uid;
  return made;
}

std::string text_of(const Snapshot& snapshot, const PortsOptions& options = {}) {
  return ports_text(snapshot, options, {});
}

// The words of the text, whichever way its lines are broken.
std::string words_of(const Snapshot& snapshot) {
  const std::string text = text_of(snapshot);
  std::string words;
  for (const std::string_view line : split(text, '\n')) {
    for (const std::string_view word : split(line, ' ')) {
      if (!word.empty()) words.append(word).append(" ");
    }
  }
  return words;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("one listener, every column", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  PortRow web = row(SocketState::kListening, "127.0.0.1", 80);
  web.name = "http";
  web.socket.receive_queue = 3;
  web.socket.send_queue = 511;
  snapshot.servers = {web};
  CHECK(text_of(snapshot) ==
        "       endpoint      range   name  process     user  waiting\n"
        "  tcp  127.0.0.1:80  system  http  4211 nginx  root  3/511\n");
  snapshot.servers[0].service = "web";
  snapshot.servers[0].pids = {kPid, 5000, 5001};
  CHECK(has(text_of(snapshot), "  4211 nginx [web] +2  "));
}

TEST_CASE("sockets that do not listen", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  PortRow udp = row(SocketState::kBound, "0.0.0.0", 53);
  udp.socket.transport = Transport::kUdp;
  snapshot.servers = {row(SocketState::kBound, "127.0.0.1", 7777), udp};
  const std::string text = text_of(snapshot);
  CHECK(has(text, "  tcp  127.0.0.1:7777  user          4211 nginx  root  bound only\n"));
  CHECK(has(text, "  udp  0.0.0.0:53      system        4211 nginx  root\n"));
}

TEST_CASE("[::] is * where it takes IPv4 too", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  PortRow any = row(SocketState::kListening, "::", 80);
  snapshot.servers = {any};
  CHECK(has(text_of(snapshot), "  tcp  *:80  "));
  snapshot.servers[0].socket.ipv6_only = true;
  CHECK(has(text_of(snapshot), "  tcp  [::]:80  "));
  // /proc/net does not tell.
  snapshot.servers = {any};
  snapshot.source = KernelSockets::Source::kProc;
  CHECK(has(text_of(snapshot), "  tcp  [::]:80  "));
  CHECK(has(text_of(snapshot), "  0/?\n"));
  CHECK(has(words_of(snapshot), "read from /proc/net"));
}

TEST_CASE("a number that is lent to clients is marked, and the mark is told", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  snapshot.servers = {row(SocketState::kListening, "127.0.0.1", 32767)};
  CHECK_FALSE(has(text_of(snapshot), "*"));
  snapshot.servers = {row(SocketState::kListening, "127.0.0.1", 32768)};
  CHECK(has(text_of(snapshot), "  user*  "));
  CHECK(has(words_of(snapshot), "* this kernel lends 32768-60999 to outgoing connections"));
}

TEST_CASE("why no process is shown", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  snapshot.servers = {hidden(Hidden::kOtherUser)};
  CHECK(has(text_of(snapshot), "  not visible  root  "));
  CHECK(has(words_of(snapshot), "only the socket's user or root can see"));
  CHECK_FALSE(has(words_of(snapshot), "does not let this one look at it"));
  snapshot.servers = {hidden(Hidden::kOtherUser, snapshot.uid)};
  CHECK_FALSE(has(words_of(snapshot), "only the socket's user"));
  CHECK(has(words_of(snapshot), "does not let this one look at it"));
  snapshot.servers = {hidden(Hidden::kPidNamespace)};
  CHECK(has(text_of(snapshot), "  outside this container  root  "));
  CHECK(has(words_of(snapshot), "another PID namespace"));
  snapshot.servers = {hidden(Hidden::kKernel)};
  CHECK(has(text_of(snapshot), "  the kernel  root  "));
  snapshot.servers = {hidden(Hidden::kNotListed)};
  CHECK(has(text_of(snapshot), "  ended just now  "));
}

TEST_CASE("connections without a file say where they are", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  const auto process_of = [&](SocketState state) {
    PortRow made = row(state, "127.0.0.1", 80);
    made.socket.peer = *Address::parse_ip("127.0.0.1", 50000);
    made.peer = made.socket.peer.text();
    made.socket.inode = 0;
    made.pids.clear();
    made.user.clear();
    made.hidden = Hidden::kNotListed;
    snapshot.connections = {made};
    return text_of(snapshot);
  };
  CHECK(has(process_of(SocketState::kEstablished),
            "  tcp  127.0.0.1:80  127.0.0.1:50000  ESTAB  not accepted yet\n"));
  CHECK(has(process_of(SocketState::kFinWait1), "  FIN-WAIT-1  closed already\n"));
  CHECK(has(process_of(SocketState::kTimeWait), "  TIME-WAIT\n"));
  CHECK_FALSE(has(process_of(SocketState::kTimeWait), "lends"));
}

TEST_CASE("what cannot be seen from here is said", "[ports_text]") {
  Snapshot snapshot = empty_snapshot();
  CHECK(text_of(snapshot) == "nothing listens\n");
  snapshot.network = NetworkNamespace::kOther;
  CHECK(has(words_of(snapshot), "are not visible here and are no hindrance"));
  snapshot.shows_bound_tcp = false;
  CHECK(has(words_of(snapshot), "does not tell of TCP sockets that are bound"));
  snapshot.network = NetworkNamespace::kUnknown;
  CHECK_FALSE(has(words_of(snapshot), "namespace"));
}

TEST_CASE("columns give way where the terminal is narrow, the widest first", "[columns]") {
  const std::vector<Column> heads = {{"a", 3}, {"b", 5}};
  const std::vector<std::vector<std::string>> rows = {{"123456", "1234567890"}, {"x", "\xc3\xbc"}};
  CHECK(column_lines(heads, rows, 0, Paint::kPlain) ==
        "  a       b\n  123456  1234567890\n  x       \xc3\xbc\n");
  CHECK(column_lines(heads, rows, 16, Paint::kPlain) ==
        "  a       b\n  123456  1234..\n  x       \xc3\xbc\n");
  CHECK(column_lines(heads, rows, 12, Paint::kPlain) ==
        "  a    b\n  1..  123..\n  x    \xc3\xbc\n");
  CHECK(column_lines(heads, rows, 1, Paint::kPlain) == "  a    b\n  1..  123..\n  x    \xc3\xbc\n");
  CHECK(has(column_lines(heads, rows, 0, Paint::kColour), "\x1b[2m  a       b\x1b[0m\n"));
  // A character is never cut in two.
  const std::string wide = "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc";
  CHECK(column_lines({{"h", 4}}, {{wide}}, 6, Paint::kPlain) == "  h\n  \xc3\xbc\xc3\xbc..\n");
}

TEST_CASE("JSON keeps unknown things null", "[ports_json]") {
  Snapshot snapshot = empty_snapshot();
  snapshot.source = KernelSockets::Source::kProc;
  PortRow any = row(SocketState::kListening, "::", 80);
  any.socket.uid_known = false;
  any.user.clear();
  snapshot.servers = {any};
  const std::string text = ports_json(snapshot, JsonWriter::Style::kCompact);
  CHECK_FALSE(has(text, "\n"));
  const auto tree = JsonValue::parse(text);
  REQUIRE(tree);
  const JsonValue& told = tree->find("sockets")->items().at(0);
  for (const char* const key : {"v6only", "backlog", "uid", "user", "remote", "service"}) {
    CAPTURE(key);
    CHECK(told.find(key)->kind() == JsonValue::Kind::kNull);
  }
  CHECK(tree->text_of("source") == "proc");
  CHECK(told.text_of("endpoint") == "[::]:80");
  CHECK(told.find("processes")->items().at(0).text_of("process") == "nginx");
}
