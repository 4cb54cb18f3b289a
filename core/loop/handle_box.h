// HandleBox: a libuv handle with its callback on the heap, owned by the loop from close() on.
//
// For core/loop's own .cc files: it names libuv types.
#pragma once

#include <uv.h>

#include <functional>

namespace polyport {

template <class Handle>
struct HandleBox {
  explicit HandleBox(std::function<void()> on_event) : callback(std::move(on_event)) {
    handle.data = this;
  }

  // The callback may destroy its owner, and so call close(): it runs from a copy that outlives it.
  static void fire(Handle* native) noexcept {
    auto* box = static_cast<HandleBox*>(native->data);
    const auto callback = box->callback;
    if (callback) callback();
  }

  void close() {
    callback = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* native) { delete static_cast<HandleBox*>(native->data); });
  }

  Handle handle{};
  std::function<void()> callback;
};

}  // namespace polyport
