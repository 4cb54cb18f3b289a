// DatagramCopy: lines of the input as datagrams, and the datagrams that come back as output.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "app/commands/connect/console.h"
#include "app/commands/connect/interrupt.h"
#include "app/commands/connect/words.h"
#include "core/socket/client_socket.h"

namespace polyport {

class DatagramCopy {
 public:
  // `answer_time`: how long to wait for answers after the input has ended; nothing: for ever.
  DatagramCopy(ClientSocket& socket, Input& input, Output& output, const Interrupt& interrupt,
               std::optional<std::chrono::milliseconds> answer_time)
      : socket_(socket),
        input_(input),
        output_(output),
        interrupt_(interrupt),
        answer_time_(answer_time) {}

  // Each line is a datagram, with its line feed; so is what is left at the end, and 65,507 bytes
  // without a line feed. Where nobody writes lines (the input is empty, or a terminal) one empty
  // datagram is sent, because some services answer any.
  DatagramEnding run();
  const std::string& first_bytes() const { return first_bytes_; }

 private:
  using Clock = std::chrono::steady_clock;
  enum Watched : std::size_t { kInterrupt, kInput, kSocket, kOutput, kWatched };
  using Watch = std::array<pollfd, kWatched>;

  bool has_datagram() const;
  Watch interests() const;
  void move(const Watch& ready);
  void send();
  void receive();
  void end(DatagramEnding::Cause cause, int error = 0);

  ClientSocket& socket_;
  Input& input_;
  Output& output_;
  const Interrupt& interrupt_;
  const std::optional<std::chrono::milliseconds> answer_time_;
  std::string typed_;
  std::string first_bytes_;
  bool empty_due_ = false;  // an empty datagram waits to be sent
  bool over_ = false;
  std::optional<Clock::time_point> deadline_;
  DatagramEnding ending_;
};

}  // namespace polyport
