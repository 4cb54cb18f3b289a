// Loop: the one libuv event loop of a process (or of a test).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

struct uv_loop_s;

namespace polyport {

class Loop {
 public:
  Loop();
  // Every handle must be closed by now; runs the loop until their close callbacks are done and
  // aborts, naming the handles, where uv_loop_close still does not return 0.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop() or until nothing is left to wait for
  void stop();  // from the loop's thread
  // One round; waits for an event when `wait`. For tests.
  void run_once();
  void run_ready();

  // Monotonic, milliseconds, cached at the start of the loop's round.
  std::uint64_t now_ms() const;
  void update_now();

  uv_loop_s* native() const { return native_.get(); }

 private:
  struct Free {
    void operator()(uv_loop_s* loop) const;
  };
  std::unique_ptr<uv_loop_s, Free> native_;
};

}  // namespace polyport
