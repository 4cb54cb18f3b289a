// StreamCopy: both directions of one stream at once, until one side ends it.
//
// Memory is bounded: input is read only when the last piece has left, and the server only when the
// output has taken what came before, so a slow reader slows the server down by TCP's own means.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "app/commands/connect/console.h"
#include "app/commands/connect/interrupt.h"
#include "app/commands/connect/words.h"
#include "core/socket/client_socket.h"

namespace polyport {

class StreamCopy {
 public:
  enum class AtEnd : std::uint8_t { kFinish, kHold };  // of the input

  struct Rules {
    AtEnd at_end = AtEnd::kFinish;
    // How long the server may stay silent after our end, or take nothing of what is due to it.
    // Nothing: for ever.
    std::optional<std::chrono::milliseconds> patience;
  };

  StreamCopy(ClientSocket& socket, Input& input, Output& output, const Interrupt& interrupt,
             Rules rules)
      : socket_(socket), input_(input), output_(output), interrupt_(interrupt), rules_(rules) {}

  // Copies to the end. Every byte that arrived before it has been written, unless the output is
  // gone or the user interrupts.
  Ending run();
  // The first bytes that came, at most five.
  const std::string& first_bytes() const { return first_bytes_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum Watched : std::size_t { kInterrupt, kInput, kSocket, kOutput, kWatched };
  using Watch = std::array<pollfd, kWatched>;

  bool over() const;
  Watch interests() const;
  std::optional<Clock::time_point> deadline() const;
  void move(const Watch& ready);
  void receive();
  void send();
  void finish_sending();
  void give_up();
  void say_goodbye();

  ClientSocket& socket_;
  Input& input_;
  Output& output_;
  const Interrupt& interrupt_;
  Rules rules_;
  std::string to_server_;
  std::size_t sent_ = 0;  // of to_server_
  std::string first_bytes_;
  bool fin_sent_ = false;
  bool server_first_ = false;
  bool decided_ = false;  // ending_.cause is final
  Clock::time_point last_progress_ = Clock::now();
  Ending ending_;
};

}  // namespace polyport
