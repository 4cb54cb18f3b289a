// demo backlog: a server that listens and never accepts. The kernel answers its clients all the
// same.
#include <cerrno>

#include "app/commands/demo/demos.h"

namespace polyport::demo {
namespace {

constexpr int kBacklog = 2;
constexpr std::size_t kExpected = kBacklog + 1;  // Linux takes one more than it is told
constexpr std::size_t kClients = 5;
constexpr milliseconds kPatience{1500};
// A client that hears nothing sends its SYN again after 1 s, then after 2 s more.
constexpr milliseconds kNextSyn{8000};

class Backlog {
 public:
  Backlog(Stage& stage, Lab& lab) : stage_(stage), lab_(lab) {}

  void show() {
    stage_.say("A server asks for a queue of " + std::to_string(kBacklog) +
               " (its backlog), then never calls accept. What do its clients see?");
    if (!loopback_works(stage_, lab_)) return;
    listener_ = lab_.open({.address = Address::loopback(Family::kIPv4), .backlog = kBacklog});
    if (!stage_.has("port for a server", listener_)) return;
    using Chapter = void (Backlog::*)();
    constexpr Chapter kChapters[] = {&Backlog::clients_come, &Backlog::they_wait,
                                     &Backlog::one_is_served};
    for (const Chapter chapter : kChapters) {
      (this->*chapter)();
      if (!stage_.as_expected()) return;
      stage_.pause();
    }
  }

 private:
  void clients_come() {
    stage_.title("1. " + counted(kClients, "client") + " connect to " + listener_.local.text());
    std::size_t connected = 0;
    for (std::size_t i = 1; i <= kClients; ++i) {
      const bool inside = clients_.size() == connected;
      // The second that is left outside need not be waited for as long.
      const Opened client =
          lab_.connect({.peer = listener_.local, .wait = inside ? kPatience : milliseconds(300)});
      if (client.socket < 0 && client.step != Step::kConnect) {
        stage_.has("socket for a client", client);
        return;
      }
      clients_.push_back(client);
      if (client.ok()) ++connected;
      tell_client(i, client);
    }
    const int queued = lab_.queue(listener_.socket);
    stage_.line("in the queue of the listener: " + std::to_string(queued) + ", accepted: 0");
    stage_.found(connected == kExpected && queued == static_cast<int>(kExpected),
                 counted(connected, "client") + " of " + std::to_string(kClients) +
                     " are connected to a server that has not accepted one: the kernel did it. "
                     "Linux keeps one more than the backlog says.",
                 counted(connected, "client") + " of " + std::to_string(kClients) +
                     " are connected and " + std::to_string(queued) +
                     " wait in the queue; expected were " + std::to_string(kExpected) + ".");
  }

  void tell_client(std::size_t number, const Opened& client) {
    std::string what = "connect: " + error_word(client.error);
    if (client.error == ETIMEDOUT) {
      what =
          lab_.is_waiting_for_answer(client.socket) ? "no answer yet: SYN-SENT" : "no answer yet";
    }
    stage_.line("client " + std::to_string(number) + ": " + what);
  }

  void they_wait() {
    stage_.title("2. The first client sends a request");
    const Opened& first = clients_.front();
    const int sent = lab_.say(first.socket, "hello\n");
    const Heard answer = lab_.hear(first.socket, milliseconds(500));
    stage_.answered("send to the server", sent, 0,
                    "The kernel takes the bytes: they wait for a program that never looks.");
    stage_.answered("the answer within half a second", answer.error, ETIMEDOUT,
                    "Connected is not served.");
  }

  void one_is_served() {
    stage_.title("3. The server accepts one");
    const Opened child = lab_.accept(listener_.socket, milliseconds(1000));
    if (!stage_.has("client in the queue", child)) return;
    const Heard request = lab_.hear(child.socket, milliseconds(1000));
    stage_.line("accept: " + child.peer.text() +
                ", and its request is there: " + std::to_string(request.bytes.size()) + " bytes");
    const Opened& outside = clients_[kExpected];
    for (std::size_t i = kExpected + 1; i < clients_.size(); ++i)
      lab_.close(clients_[i].socket);  // before they take the place
    stage_.line("client " + std::to_string(kClients) + " gives up");
    const int late = lab_.finish_connect(outside.socket, kNextSyn);
    stage_.answered("client " + std::to_string(kExpected + 1) + ", who was left outside", late, 0,
                    "There is room for one more. It had asked again by itself, and its next SYN "
                    "was answered.");
    for (const Opened& client : clients_)
      lab_.reset(client.socket);
    stage_.therefore(
        "A full queue looks like a slow network from outside: no refusal, no answer, "
        "and a connection some seconds late.");
  }

  Stage& stage_;
  Lab& lab_;
  Opened listener_;
  std::vector<Opened> clients_;
};

}  // namespace

void show_backlog(Stage& stage, Lab& lab) {
  Backlog(stage, lab).show();
}

}  // namespace polyport::demo
