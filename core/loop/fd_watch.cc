#include "core/loop/fd_watch.h"

#include <uv.h>

namespace polyport {

struct FdWatch::Box {
  explicit Box(std::function<void(std::uint8_t)> on_ready) : callback(std::move(on_ready)) {
    handle.data = this;
  }
  uv_poll_t handle{};
  std::function<void(std::uint8_t)> callback;

  static_assert(int{kRead} == int{UV_READABLE} && int{kWrite} == int{UV_WRITABLE});
  // libuv has stopped the handle where there is an error, and calls all of them UV_EBADF.
  static void fire(uv_poll_t* native, int status, int events) noexcept {
    auto* box = static_cast<Box*>(native->data);
    // The callback may destroy its owner: it runs from a copy that outlives it.
    const auto callback = box->callback;
    if (callback)
      callback(status < 0 ? std::uint8_t{kRead | kWrite} : static_cast<std::uint8_t>(events));
  }
};

FdWatch::FdWatch(Loop& loop, int fd, std::function<void(std::uint8_t)> callback) {
  auto* box = new Box(std::move(callback));
  if (uv_poll_init(loop.native(), &box->handle, fd) != 0) {
    delete box;
    return;
  }
  box_ = box;
}

FdWatch::~FdWatch() {
  if (box_ == nullptr) return;
  box_->callback = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&box_->handle),
           [](uv_handle_t* native) { delete static_cast<Box*>(native->data); });
}

void FdWatch::set(std::uint8_t events) {
  if (box_ == nullptr) return;
  if (events == kNone) {
    uv_poll_stop(&box_->handle);
  } else {
    uv_poll_start(&box_->handle, events, Box::fire);
  }
}

}  // namespace polyport
