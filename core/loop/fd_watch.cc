#include "core/loop/fd_watch.h"

#include "core/base/assert.h"
#include "core/loop/handle_box.h"

namespace polyport {

struct FdWatch::Box : HandleBox<uv_poll_t> {
  using HandleBox::HandleBox;
};

FdWatch::FdWatch(Loop& loop, int fd, std::function<void()> callback)
    : box_(new Box(std::move(callback))) {
  const int status = uv_poll_init(loop.native(), &box_->handle, fd);
  POLYPORT_ASSERT(status == 0);
  watch(Interest::kRead);
}

FdWatch::~FdWatch() {
  uv_poll_stop(&box_->handle);
  box_->close();
}

void FdWatch::watch(Interest interest) {
  const int events = interest == Interest::kRead ? UV_READABLE : UV_READABLE | UV_WRITABLE;
  // An error (libuv says EBADF and stops the handle) is for whoever reads the descriptor now.
  uv_poll_start(&box_->handle, events, [](uv_poll_t* handle, int, int) { Box::fire(handle); });
}

void FdWatch::stop() {
  uv_poll_stop(&box_->handle);
}

}  // namespace polyport
