// WorkerChannel: what the supervisor and one worker say to each other, either side of it.
//
// A message is a word, a body and descriptors. It goes as one packet of a unix socket that keeps
// packets apart; a body that is too large for that lies in a sealed memory file, whose descriptor
// comes last. Nothing waits: what the kernel does not take now is queued here. A process that has
// no descriptors left loses messages, not the channel.
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
  static constexpr std::string_view kSetUp = "set_up";   // all that a worker must know
  static constexpr std::string_view kOpened = "opened";  // a port group that had to wait
  static constexpr std::string_view kFoster = "foster";  // serve in place of another worker
  static constexpr std::string_view kGiveBack = "give_back";
  static constexpr std::string_view kAsk = "ask";      // for a report
  static constexpr std::string_view kDrain = "drain";  // of a worker too: it does so by itself
  // Of a worker:
  static constexpr std::string_view kReady = "ready";
  static constexpr std::string_view kFailed = "failed";  // to start: its errors
  static constexpr std::string_view kReport = "report";

  struct Events {
    std::function<void(Message)> on_message;
    // One that came and is dropped, because this process has too few descriptors for it.
    std::function<void(std::string_view word)> on_lost;
    // The other side is gone, or has said what cannot be understood. Once, and last.
    std::function<void()> on_end;
  };

  // Takes over `fd`. Each callback may destroy the channel.
  WorkerChannel(Loop& loop, int fd, Events events);
  ~WorkerChannel();
  WorkerChannel(const WorkerChannel&) = delete;
  WorkerChannel& operator=(const WorkerChannel&) = delete;

  // `descriptors` stay the caller's, any number of them. A message that cannot be sent ends the
  // channel, from the loop; nothing is sent after the end.
  void send(std::string_view word, std::string_view body = {},
            std::span<const int> descriptors = {});
  // False where this process has too few descriptors to make it: nothing is sent then, and the
  // channel goes on.
  bool try_send(std::string_view word, std::string_view body = {},
                std::span<const int> descriptors = {});
  // Hears at once what has come, the end as well: when the other process is known to be gone.
  void receive_now() { ready(); }

 private:
  struct Packet {
    std::string bytes;
    std::vector<int> descriptors;  // ours
  };

  static Packet packet_of(std::string_view word, std::span<const int> descriptors);
  void flush();
  void ready();
  // False where nothing is left to be read.
  bool receive();
  // What has come, whole: to whoever listens.
  bool deliver(Message message, std::string_view bytes, std::size_t end_of_word);
  void end();
  static void close_all(std::vector<int>& descriptors);

  int fd_;
  Events events_;
  std::unique_ptr<FdWatch> watch_;
  std::deque<Packet> queue_;
  std::unique_ptr<char[]> buffer_;
  std::vector<int> ahead_;   // descriptors of the message that comes next
  bool lost_ = false;        // some of them
  bool unsendable_ = false;  // what the other side has said is still heard then
  bool ended_ = false;
  bool over_ = false;  // and told so
  // Whether this object was destroyed from within a callback.
  std::shared_ptr<bool> gone_ = std::make_shared<bool>(false);
};

}  // namespace polyport
