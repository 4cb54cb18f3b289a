// Watcher: asks the target for its figures while the tool runs, from a thread of its own, because a
// target at its limit answers late.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "app/commands/measure/load_sample.h"

namespace polyport::measure {

Result<LoadSample> ask(const std::string& target);

// The worst of each that was seen at one time.
struct Seen {
  std::string fullest;  // listener
  std::uint64_t queue = 0;
  std::uint64_t queue_limit = 0;
  std::uint64_t connections_seen = 0;
  std::uint64_t connections_lossy = 0;

  void add(const LoadSample& sample);
};

class Watcher {
 public:
  explicit Watcher(std::string target);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Ends it; waits for an answer that is under way. What it has seen is final then.
  void stop();
  const Seen& seen() const { return seen_; }

 private:
  void run();

  const std::string target_;
  Seen seen_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace polyport::measure
