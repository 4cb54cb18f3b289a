// Timer: a boxed uv_timer_t. The owner holds 8 bytes; the box frees itself in its close callback,
// so a Timer may be destroyed anywhere, its own callback included.
#pragma once

#include <chrono>
#include <functional>

#include "core/loop/loop.h"

namespace polyport {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(std::chrono::milliseconds delay);  // once; starting again moves it
  void start_every(std::chrono::milliseconds interval);
  void stop();
  bool active() const;

 private:
  struct Box;
  Box* box_;
};

}  // namespace polyport
