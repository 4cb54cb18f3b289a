// Resolver: looks host names up while the loop runs.
//
// getaddrinfo blocks, for as long as it likes: a name server that is gone costs half a minute, a
// broken file system for ever. So each look-up has a thread, of which there are few, and a time
// after which its answer is no longer waited for. The thread itself cannot be stopped; it is left
// behind, holds nothing but its own question, and ends with the process at the latest. libuv's
// thread pool will not do: the end of the process waits for its threads.
//
// One question at a time is asked for one name, however many wait for the answer. Nothing is
// remembered: how long an answer is good for is whoever asks to say.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/loop/timer.h"
#include "core/loop/wakeup.h"
#include "core/ports/resolve.h"

namespace polyport {

class Resolver {
 public:
  using Id = std::uint64_t;  // of a question; 0 is none
  using Answer = std::function<void(const Result<HostAddresses>&)>;
  // The part that may block; runs on a thread of its own.
  using LookUp = Result<HostAddresses> (*)(const std::string& host, Families families);

  struct Options {
    std::chrono::milliseconds timeout{10'000};
    std::size_t most_threads = 4;  // those left behind count
    LookUp look_up = nullptr;      // null: look_up() of core/ports/resolve.h
  };

  explicit Resolver(Loop& loop) : Resolver(loop, Options()) {}
  Resolver(Loop& loop, Options options);
  ~Resolver();  // answers nobody, and waits for nothing
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // `host` as Endpoint keeps it, except "*". Calls `answer` once, on the loop, never from inside
  // ask(); it must not throw. No answer within the timeout is an error like any other.
  Id ask(std::string host, Answer answer);
  // `answer` is not called any more. An id that is over is no mistake.
  void cancel(Id id);

  std::size_t threads() const { return jobs_.size(); }  // under way, those left behind included

 private:
  struct Job;
  struct Question {
    Id id;
    std::string host;
    Answer answer;
    std::uint64_t deadline_ms;
  };

  bool is_asked(const std::string& host) const;
  void start_jobs();
  // False where this machine gives no thread.
  bool start_job(const std::string& host);
  void collect();  // the answers that have come
  void give_up();  // on those that are late
  void tell(const std::string& host, const Result<HostAddresses>& result);
  void arm();

  Loop& loop_;
  Options options_;
  Wakeup wakeup_;
  Timer timer_;
  std::deque<Question> questions_;  // oldest first
  std::vector<Job*> jobs_;          // each shared with its thread
  Id last_id_ = 0;
};

}  // namespace polyport
