// Watcher: asks the target for its figures while the tool runs, from a thread of its own, because a
// target at its limit answers late.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "app/commands/measure/load_sample.h"

namespace polyport::measure {

Result<LoadSample> ask(const std::string& target);

// What was seen in one look after the other.
class Seen {
 public:
  Seen() = default;
  // `before` is what was there already.
  explicit Seen(const LoadSample& before) { remember(before); }
  void add(const LoadSample& sample);

  // The worst that was seen at one time.
  std::string fullest;  // listener
  std::uint64_t queue = 0;
  std::uint64_t queue_limit = 0;
  // Looks at a connection, and those at which something had been sent again since the look before.
  std::uint64_t looks = 0;
  std::uint64_t lossy_looks = 0;

 private:
  void remember(const LoadSample& sample);

  std::map<std::string, std::uint64_t, std::less<>> before_;
  bool before_was_all_ = false;
};

class Watcher {
 public:
  // `before` is what `target` has said before the tool was started.
  Watcher(std::string target, const LoadSample& before);
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
