// WorkerChannel: what the supervisor and one worker say to each other, either side of it.
//
// A message is a word, a body and descriptors. It goes as one packet of a unix socket that keeps
// packets apart; a body that is too large for that lies in a sealed memory file, whose descriptor
// comes last. Nothing waits: what the kernel does not take now is queued here.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/loop/fd_watch.h"

namespace polyport {

class WorkerChannel {
 public:
  struct Message {
    std::string word;
    std::string body;
    // The receiver's, who closes them.
    std::vector<int> descriptors;
  };
  // The words. Those of the supervisor:
  static constexpr std::string_view kSockets = "sockets";  // descriptors that the next one names
  static constexpr std::string_view kSetUp = "set_up";     // all that a worker must know
  static constexpr std::string_view kOpened = "opened";    // a port group that had to wait
  static constexpr std::string_view kFoster = "foster";    // serve in place of another worker
  static constexpr std::string_view kGiveBack = "give_back";
  static constexpr std::string_view kAsk = "ask";  // for a report
  static constexpr std::string_view kDrain = "drain";
  // Of a worker:
  static constexpr std::string_view kReady = "ready";
  static constexpr std::string_view kFailed = "failed";  // to start: its errors
  static constexpr std::string_view kReport = "report";

  struct Events {
    std::function<void(Message)> on_message;
    // The other side is gone, or has said what cannot be understood. Once, and last.
    std::function<void()> on_end;
  };

  // Takes over `fd`. Either callback may destroy the channel.
  WorkerChannel(Loop& loop, int fd, Events events);
  ~WorkerChannel();
  WorkerChannel(const WorkerChannel&) = delete;
  WorkerChannel& operator=(const WorkerChannel&) = delete;

  // `descriptors` stay the caller's. Any number of them: those beyond what one packet takes go
  // ahead as kSockets. A message that cannot be sent ends the channel, from the loop.
  void send(std::string_view word, std::string_view body = {},
            std::span<const int> descriptors = {});
  // Hears at once what has come, the end as well: when the other process is known to be gone.
  void receive_now() { ready(); }

 private:
  struct Packet {
    std::string bytes;
    std::vector<int> descriptors;  // ours
  };

  void enqueue(Packet packet);
  void flush();
  void ready();
  // False where nothing is left to be read.
  bool receive();
  void end();
  static void close_all(std::vector<int>& descriptors);

  int fd_;
  Events events_;
  std::unique_ptr<FdWatch> watch_;
  std::deque<Packet> queue_;
  std::unique_ptr<char[]> buffer_;
  bool unsendable_ = false;  // what the other side has said is still heard then
  bool ended_ = false;
  // Whether this object was destroyed from within a callback.
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
};

}  // namespace polyport
