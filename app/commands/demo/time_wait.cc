// demo time-wait: who closes first keeps the port busy, and when SO_REUSEADDR helps.
#include <cerrno>
#include <cstdio>

#include "app/commands/demo/demos.h"

namespace polyport::demo {
namespace {

constexpr milliseconds kSoon{2000};

enum class Closes : std::uint8_t { kServer, kClient };
enum class Reuse : bool { kNo, kYes };

std::string with(Reuse reuse) {
  return reuse == Reuse::kYes ? "with SO_REUSEADDR" : "without SO_REUSEADDR";
}

std::string seconds(milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(time.count()) / 1000);
  return text;
}

class TimeWait {
 public:
  TimeWait(Stage& stage, Lab& lab) : stage_(stage), lab_(lab) {}

  void show() {
    stage_.say(
        "A connection is closed by one side first. What is left of it, where, and who may "
        "have the port of the server then?");
    using Chapter = void (TimeWait::*)();
    constexpr Chapter kChapters[] = {&TimeWait::server_first, &TimeWait::server_first_with_reuse,
                                     &TimeWait::client_first, &TimeWait::nobody_yet};
    for (const Chapter chapter : kChapters) {
      (this->*chapter)();
      if (stage_.failed()) return;
      stage_.pause();
    }
    if (left_ == 0) return;
    stage_.gap();
    stage_.say(counted(left_, "connection") + " of this demo " + (left_ == 1 ? "stays" : "stay") +
               " in TIME_WAIT for up to " + seconds(longest_) +
               " more. No process has them; the kernel lets them go by itself.");
  }

 private:
  struct Pair {
    Opened listener;
    Opened client;
    Opened child;  // the server's end of it
  };

  // A listener with one connection.
  std::optional<Pair> connect(Reuse reuse) {
    Pair pair;
    pair.listener = lab_.open(
        {.address = Address::loopback(Family::kIPv4), .reuse_address = reuse == Reuse::kYes});
    if (!stage_.has("port for a server", pair.listener)) return std::nullopt;
    pair.client = lab_.connect({.peer = pair.listener.local});
    if (!stage_.has("connection to it", pair.client)) return std::nullopt;
    pair.child = lab_.accept(pair.listener.socket, kSoon);
    if (!stage_.has("connection in its queue", pair.child)) return std::nullopt;
    return pair;
  }

  // A connection that came and went; nobody has its ports any more.
  std::optional<Pair> come_and_go(Closes first, Reuse reuse) {
    auto pair = connect(reuse);
    if (!pair) return std::nullopt;
    const bool by_server = first == Closes::kServer;
    const int early = by_server ? pair->child.socket : pair->client.socket;
    const int late = by_server ? pair->client.socket : pair->child.socket;
    lab_.close(early);
    const Heard end = lab_.hear(late, kSoon);
    lab_.close(late);
    lab_.close(pair->listener.socket);
    stage_.say("A server listens on " + pair->listener.local.text() + ", " + with(reuse) +
               ". A client comes from " + pair->client.local.text() + ". The " +
               (by_server ? "server" : "client") +
               " closes first, then the other, then the "
               "listener: no process has a socket left.");
    if (end.error != 0 || !end.bytes.empty()) {
      stage_.cannot("The other side did not see the connection end", end.error);
      return std::nullopt;
    }
    return pair;
  }

  // What the kernel keeps, and at whose end.
  bool keeps(const Address& here, const Address& there, std::string_view whose) {
    const auto left = lab_.time_wait_left(here, there);
    if (left) {
      ++left_;
      longest_ = std::max(longest_, *left);
      stage_.line(here.text() + " with " + there.text() + ": TIME_WAIT, " + seconds(*left) +
                  " left");
    } else {
      stage_.line(here.text() + " with " + there.text() + ": nothing");
    }
    return stage_.found(left.has_value(),
                        "The kernel remembers the connection, at the end of the " +
                            std::string(whose) + ", who closed first.",
                        "This kernel remembers nothing at the end of the " + std::string(whose) +
                            ", who closed first.");
  }

  void bind_again(const Address& address, Reuse reuse, int expected, std::string_view sentence) {
    const Opened again = lab_.open({.address = address, .reuse_address = reuse == Reuse::kYes});
    const std::string call(again.ok() ? "bind and listen" : name(again.step));
    stage_.answered(call + " on " + address.text() + " " + with(reuse), again.error, expected,
                    sentence);
    if (again.ok()) lab_.close(again.socket);
  }

  void server_first() {
    stage_.title("1. The server closes first");
    const auto pair = come_and_go(Closes::kServer, Reuse::kNo);
    if (!pair) return;
    const Address& server = pair->listener.local;
    if (!keeps(server, pair->client.local, "server")) return;
    bind_again(server, Reuse::kNo, EADDRINUSE,
               "The port is taken, although no process has it: the memory of one connection is "
               "enough.");
    bind_again(server, Reuse::kYes, EADDRINUSE,
               "SO_REUSEADDR on the new socket alone does not help: the old one had not set it.");
    stage_.therefore("This is why a server that was stopped cannot always be started again.");
  }

  void server_first_with_reuse() {
    stage_.title("2. The same, and the old server had set SO_REUSEADDR");
    const auto pair = come_and_go(Closes::kServer, Reuse::kYes);
    if (!pair) return;
    const Address& server = pair->listener.local;
    if (!keeps(server, pair->client.local, "server")) return;
    bind_again(server, Reuse::kNo, EADDRINUSE, "The new socket has not set it: refused.");
    bind_again(server, Reuse::kYes, 0,
               "Both have set it, and the port can be had while the old connection is remembered.");
    stage_.therefore(
        "A server sets SO_REUSEADDR each time it starts, so that the next start "
        "finds it set on both.");
  }

  void client_first() {
    stage_.title("3. The client closes first");
    const auto pair = come_and_go(Closes::kClient, Reuse::kNo);
    if (!pair) return;
    const Address& server = pair->listener.local;
    if (!keeps(pair->client.local, server, "client")) return;
    bind_again(server, Reuse::kNo, 0,
               "The port of the server is free at once: what is remembered is the port of the "
               "client.");
    stage_.therefore("Whoever closes first pays with its port.");
  }

  void nobody_yet() {
    stage_.title("4. The listener is gone, a connection that it took still lives");
    const auto pair = connect(Reuse::kYes);
    if (!pair) return;
    lab_.close(pair->listener.socket);
    const Address& server = pair->listener.local;
    stage_.say("The listener on " + server.text() +
               " had set SO_REUSEADDR and is closed. The connection with " +
               pair->client.local.text() + " goes on.");
    bind_again(server, Reuse::kNo, EADDRINUSE,
               "A living connection holds the port as well as a listener does.");
    bind_again(server, Reuse::kYes, 0,
               "With SO_REUSEADDR on both the next server starts while the old connection goes "
               "on.");
    lab_.reset(pair->client.socket);
    lab_.close(pair->child.socket);
  }

  Stage& stage_;
  Lab& lab_;
  std::size_t left_ = 0;
  milliseconds longest_{0};
};

}  // namespace

void show_time_wait(Stage& stage, Lab& lab) {
  TimeWait(stage, lab).show();
}

}  // namespace polyport::demo
