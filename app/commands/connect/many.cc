// The opening and holding of many connections.
#include "app/commands/connect/many.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "app/commands/connect/console.h"
#include "app/commands/connect/interrupt.h"
#include "app/commands/exit_code.h"
#include "app/process.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kGoodbye{300};
constexpr std::size_t kInterrupt = 0;
constexpr std::size_t kInput = 1;
constexpr std::size_t kFirstSocket = 2;

struct Open {
  ClientSocket socket;
  std::uint32_t number;
};

std::string numbered(std::uint32_t number) {
  return "#" + std::to_string(number);
}

class Crowd {
 public:
  explicit Crowd(Until until) : until_(until) {}

  void add(Dialled dialled) {
    const auto number = static_cast<std::uint32_t>(open_.size() + 1);
    say(labelled(numbered(number), pair_text(dialled.ends)));
    open_.push_back({std::move(dialled.socket), number});
  }

  std::size_t size() const { return open_.size(); }
  std::uint64_t bytes_in() const { return bytes_in_; }

  // Until all are gone, or the end is asked for.
  void hold(const Interrupt& interrupt) {
    Input input(Input::LineEnds::kAsTyped);
    std::string dropped;
    while (!open_.empty()) {
      std::vector<pollfd> watch = {{interrupt.descriptor(), POLLIN, 0},
                                   {input.descriptor(), POLLIN, 0}};
      for (const Open& each : open_)
        watch.push_back({each.socket.descriptor(), POLLIN, 0});
      if (::poll(watch.data(), watch.size(), -1) <= 0) continue;
      if (watch[kInterrupt].revents != 0) return;
      if (watch[kInput].revents != 0) input.read_into(dropped);
      dropped.clear();
      if (input.ended() && until_ == Until::kInputEnds) return;
      receive(watch);
    }
  }

  // Sends every FIN, then waits a little for those of the server: a socket closed with bytes unread
  // would send a reset instead.
  void close() {
    for (Open& each : open_)
      each.socket.finish_sending();
    const auto until = std::chrono::steady_clock::now() + kGoodbye;
    while (!open_.empty() && std::chrono::steady_clock::now() < until) {
      std::vector<pollfd> watch;
      for (const Open& each : open_)
        watch.push_back({each.socket.descriptor(), POLLIN, 0});
      if (::poll(watch.data(), watch.size(), static_cast<int>(kGoodbye.count())) <= 0) return;
      for (std::size_t i = 0; i < open_.size(); ++i) {
        if (watch[i].revents != 0) receive(open_[i]);
      }
      forget_closed();
    }
  }

 private:
  void receive(const std::vector<pollfd>& watch) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      Open& each = open_[i];
      if (watch[kFirstSocket + i].revents == 0) continue;
      const int error = receive(each);
      if (each.socket.descriptor() >= 0) continue;
      say(labelled(numbered(each.number),
                   error == 0 ? "closed by the server first (FIN)" : "reset by the server (RST)"));
    }
    forget_closed();
  }

  void forget_closed() {
    std::erase_if(open_, [](const Open& each) { return each.socket.descriptor() < 0; });
  }

  // Closes the socket at its end; the error that made it one, or 0.
  int receive(Open& each) {
    std::array<char, 64 * 1024> buffer;
    const auto received = each.socket.receive(buffer);
    if (received.must_wait()) return 0;
    bytes_in_ += received.bytes;
    if (received.bytes == 0) each.socket.close();
    return received.error;
  }

  const Until until_;
  std::vector<Open> open_;
  std::uint64_t bytes_in_ = 0;
};

std::string hint(Until until) {
  if (until == Until::kInterrupted) return "Ctrl-C closes them together";
  return Input::is_terminal() ? "Ctrl-D closes them together" : "the end of the input closes them";
}

}  // namespace

int hold_many(const Destination& destination, std::uint32_t count, milliseconds wait, Until until) {
  raise_descriptor_limit();
  Crowd crowd(until);
  for (std::uint32_t i = 0; i < count; ++i) {
    Dialled dialled = dial(destination, wait);
    if (!dialled.connected) {
      for (const Failure& failed : dialled.failures) {
        say(failure_text(failed, ephemeral_range()));
      }
      say(labelled("closed", "the " + std::to_string(crowd.size()) + " of " +
                                 std::to_string(count) + " that had been opened"));
      return failure_exit(dialled.failures.front());
    }
    crowd.add(std::move(dialled));
  }
  const Interrupt interrupt;
  say(labelled("connected", std::to_string(count) + " at once; " + hint(until)));
  crowd.hold(interrupt);
  const std::size_t left = crowd.size();
  crowd.close();
  const std::string who =
      left == 0 ? "all of them by the server" : "you first, " + std::to_string(left) + " together";
  say(labelled("closed", who + ", " + std::to_string(crowd.bytes_in()) + " bytes had come in"));
  return kExitOk;
}

}  // namespace polyport
