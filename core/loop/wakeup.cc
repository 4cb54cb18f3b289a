#include "core/loop/wakeup.h"

#include "core/base/assert.h"
#include "core/loop/handle_box.h"

namespace polyport {

struct Wakeup::Box : HandleBox<uv_async_t> {
  using HandleBox::HandleBox;
};

Wakeup::Wakeup(Loop& loop, std::function<void()> callback) : box_(new Box(std::move(callback))) {
  const int status = uv_async_init(loop.native(), &box_->handle, Box::fire);
  POLYPORT_ASSERT(status == 0);
}

Wakeup::~Wakeup() {
  box_->close();
}

void Wakeup::wake() {
  uv_async_send(&box_->handle);
}

}  // namespace polyport
