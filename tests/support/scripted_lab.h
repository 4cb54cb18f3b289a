// ScriptedLab: a Lab without a kernel, whose answers a test chooses.
//
// Left alone, every call is allowed: sockets get numbers and ports, a connection waits in the queue
// of the listener that has its port. No socket is opened.
#pragma once

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/commands/demo/lab.h"
#include "app/commands/demo/stage.h"
#include "core/base/text.h"

namespace polyport::demo {

class ScriptedLab : public Lab {
 public:
  // The answers, where they are not "allowed".
  std::function<int(const Wish&)> on_open = [](const Wish&) { return 0; };
  Step open_fails_at = Step::kBind;
  std::function<int(const Dial&)> on_connect = [](const Dial&) { return 0; };
  Step connect_fails_at = Step::kConnect;
  std::function<Held(const Wish&, Where)> on_hold = [](const Wish& wish, Where) {
    return Held{4711, Step::kNone, 0, wish.address};
  };
  std::function<Program(const std::string&)> on_start = [](const std::string&) {
    return Program{0, -1, ENOEXEC, ""};
  };
  std::vector<int> stopped;  // ids of programs
  int waits = 0;
  std::function<Heard(int socket)> on_hear;  // else: what was said to it, or the end
  std::optional<milliseconds> time_wait = milliseconds(59'900);
  std::optional<int> queued;  // else: those that wait
  int late_connect = 0;
  bool established = true;
  int listener_has_peer = ENOTCONN;
  EphemeralRange range;
  std::uint16_t first_unprivileged = 1024;
  bool root = false;
  Families has = {true, true};
  std::vector<Address> networks;
  std::vector<Address> localhost = {Address::loopback(Family::kIPv4)};
  std::string nsswitch = "passwd: files\nhosts: files dns\n";

  std::size_t open_sockets() const { return sockets_.size(); }

  Opened open(const Wish& wish) override {
    if (const int error = on_open(wish); error != 0) {
      return {-1, open_fails_at, error, {}, {}};
    }
    Address local = wish.address;
    if (local.port == 0 && wish.backlog != Wish::kUnbound) local.port = next_port_++;
    return add(local, {});
  }

  Opened connect(const Dial& dial) override {
    const int error = on_connect(dial);
    Address local = dial.from.value_or(Address::loopback(dial.peer.family));
    if (error == 0 || error == ETIMEDOUT) {
      if (local.port == 0 && dial.lent) {
        local.port = dial.lent->low;
        while (is_taken(local, dial.peer))
          ++local.port;
      } else if (local.port == 0) {
        local.port = next_lent_++;
      }
      Opened made = add(local, dial.peer);
      made.error = error;
      if (error == 0) {
        pending_[dial.peer.port].push_back(made);
      } else {
        made.step = Step::kConnect;
      }
      return made;
    }
    return {-1, connect_fails_at, error, {}, {}};
  }

  int finish_connect(int, milliseconds) override { return late_connect; }

  Opened accept(int listener, milliseconds) override {
    std::vector<Opened>& waiting = pending_[sockets_[listener].local.port];
    if (waiting.empty()) return {-1, Step::kAccept, ETIMEDOUT, {}, {}};
    const Opened client = waiting.front();
    waiting.erase(waiting.begin());
    Opened child = add(client.peer, client.local);
    partner_[child.socket] = client.socket;
    partner_[client.socket] = child.socket;
    // What the client has said already.
    heard_[child.socket] = std::exchange(unheard_[client.socket], "");
    return child;
  }

  Heard hear(int socket, milliseconds) override {
    if (on_hear) return on_hear(socket);
    std::string bytes = std::exchange(heard_[socket], "");
    const bool is_over = partner_.contains(socket) && !sockets_.contains(partner_[socket]);
    return {bytes.empty() && !is_over ? ETIMEDOUT : 0, std::move(bytes)};
  }

  int say(int socket, std::string_view bytes) override {
    (partner_.contains(socket) ? heard_[partner_[socket]] : unheard_[socket]) += bytes;
    return 0;
  }

  void close(int socket) override { sockets_.erase(socket); }
  void reset(int socket) override { close(socket); }
  Address local(int socket) override { return sockets_[socket].local; }
  int peer_error(int socket) override {
    return sockets_[socket].peer.family == Family::kNone ? listener_has_peer : 0;
  }
  int queue(int listener) override {
    return queued.value_or(static_cast<int>(pending_[sockets_[listener].local.port].size()));
  }
  bool is_established(int) override { return established; }
  bool is_waiting_for_answer(int) override { return true; }
  std::optional<milliseconds> time_wait_left(const Address&, const Address&) override {
    return time_wait;
  }
  Held hold(const Wish& wish, Where where) override { return on_hold(wish, where); }
  void end(const Held&) override {}
  Program start(std::string_view configuration, milliseconds) override {
    return on_start(std::string(configuration));
  }
  void stop(const Program& program) override { stopped.push_back(program.id); }
  void wait(milliseconds) override { ++waits; }
  EphemeralRange ephemeral() override { return range; }
  std::uint16_t unprivileged_start() override { return first_unprivileged; }
  Families families() override { return has; }
  std::vector<Address> network_addresses() override { return networks; }
  Result<std::vector<Address>> system_look_up(const std::string& host) override {
    if (localhost.empty()) return failure(ErrorCode::kNotFound, "Name or service not known", host);
    return localhost;
  }
  std::string file(const std::string&) override { return nsswitch; }
  bool is_root() override { return root; }

 private:
  struct Ends {
    Address local;
    Address peer;
  };

  bool is_taken(const Address& local, const Address& peer) const {
    return std::any_of(sockets_.begin(), sockets_.end(), [&](const auto& each) {
      return each.second.local == local && each.second.peer == peer;
    });
  }

  Opened add(const Address& local, const Address& peer) {
    const int socket = next_socket_++;
    sockets_[socket] = {local, peer};
    return {socket, Step::kNone, 0, local, peer};
  }

  std::map<int, Ends> sockets_;
  std::map<int, int> partner_;
  std::map<int, std::string> heard_;
  std::map<int, std::string> unheard_;
  std::map<std::uint16_t, std::vector<Opened>> pending_;  // by the listener's port
  int next_socket_ = 100;
  std::uint16_t next_port_ = 10'001;
  std::uint16_t next_lent_ = 40'001;
};

// What a demo told, as one line, and how it ended.
struct Told {
  std::string lines;
  std::string text;
  int exit_code = 0;
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  std::size_t longest_line() const {
    std::size_t longest = 0;
    for (const std::string_view line : split(lines, '\n'))
      longest = std::max(longest, line.size());
    return longest;
  }
};

inline Told play(const std::function<void(Stage&, Lab&)>& demo, Lab& lab) {
  Told told;
  Stage stage([&](std::string_view lines) { told.lines += lines; }, milliseconds(0));
  demo(stage, lab);
  told.exit_code = stage.exit_code();
  bool gap = false;
  for (const char c : told.lines) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank || !gap) told.text += blank ? ' ' : c;
    gap = blank;
  }
  return told;
}

}  // namespace polyport::demo
