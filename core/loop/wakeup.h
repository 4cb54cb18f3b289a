// Wakeup: lets another thread make the loop call back soon. Boxed like Timer.
#pragma once

#include <functional>

#include "core/loop/loop.h"

namespace polyport {

class Wakeup {
 public:
  Wakeup(Loop& loop, std::function<void()> callback);
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  void wake();  // from any thread; several calls may become one callback

 private:
  struct Box;
  Box* box_;
};

}  // namespace polyport
