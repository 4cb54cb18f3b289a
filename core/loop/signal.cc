#include "core/loop/signal.h"

#include "core/base/assert.h"
#include "core/loop/handle_box.h"

namespace polyport {

struct Signal::Box : HandleBox<uv_signal_t> {
  using HandleBox::HandleBox;
};

Signal::Signal(Loop& loop, int number, std::function<void()> callback)
    : box_(new Box(std::move(callback))) {
  uv_signal_init(loop.native(), &box_->handle);
  const int status = uv_signal_start(
      &box_->handle, [](uv_signal_t* handle, int) { Box::fire(handle); }, number);
  POLYPORT_ASSERT(status == 0);
  // A program that has nothing left to do must end, although it still listens for signals.
  uv_unref(reinterpret_cast<uv_handle_t*>(&box_->handle));
}

Signal::~Signal() {
  box_->close();
}

}  // namespace polyport
