// history_thread: a HistoryFile on a thread of its own, so that the loop never waits for a disk.
//
// What is asked is done in order, and answered on the loop in that order: messages that wait
// together are one transaction, and a question's answer holds exactly the messages whose `kept` has
// been called before it. What waits is bounded; where the disk does not keep up, a request is not
// taken.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "core/base/result.h"
#include "core/loop/loop.h"
#include "services/chat/history_file.h"

namespace polyport::services::chat {

class HistoryThread {
 public:
  struct Limits {
    std::size_t messages = 8192;          // that wait to be written
    std::size_t bytes = 8 * 1024 * 1024;  // of them
    std::size_t questions = 64;           // each may bring a page of 1 MiB
    std::size_t group = 256;              // messages of one transaction
    std::size_t group_bytes = 256 * 1024;
    std::chrono::milliseconds patience{5'000};  // at the end, with a disk that does not answer
  };
  // What it calls, on the loop; never from inside a call. Must not destroy the thread.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_written(const Result<void>& result) = 0;  // once a transaction, first
    virtual void on_kept(std::size_t ticket, const Message& message, bool kept) = 0;
    virtual void on_page(std::size_t ticket, Result<Page> page) = 0;
  };

  HistoryThread(Loop& loop, Listener& listener, HistoryFile file, const Limits& limits);
  // Writes what waits, and calls nobody. Where the disk takes longer than `patience`, what is not
  // written by then is lost, and the thread is left to end with the process.
  ~HistoryThread();
  HistoryThread(const HistoryThread&) = delete;
  HistoryThread& operator=(const HistoryThread&) = delete;

  // Whether append() would take a message of any length now.
  bool takes_more() const;
  // False where too much waits already: nobody is called for it.
  bool append(const Message& message, std::size_t ticket, std::uint64_t now_ms);
  bool read(const HistoryQuestion& question, std::size_t ticket, std::uint64_t now_ms);

 private:
  struct Shared;
  void deliver();

  std::shared_ptr<Shared> shared_;  // the thread has it, too
};

}  // namespace polyport::services::chat
