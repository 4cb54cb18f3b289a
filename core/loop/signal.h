// Signal: calls back on the loop when the process receives a signal. Boxed like Timer.
#pragma once

#include <functional>

#include "core/loop/loop.h"

namespace polyport {

class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> callback);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Box;
  Box* box_;
};

}  // namespace polyport
