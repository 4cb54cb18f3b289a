#include "core/loop/timer.h"

#include "core/loop/handle_box.h"

namespace polyport {

struct Timer::Box : HandleBox<uv_timer_t> {
  using HandleBox::HandleBox;
};

Timer::Timer(Loop& loop, std::function<void()> callback) : box_(new Box(std::move(callback))) {
  uv_timer_init(loop.native(), &box_->handle);
}

Timer::~Timer() {
  box_->close();
}

void Timer::start(std::chrono::milliseconds delay) {
  const auto count = delay.count() < 0 ? 0 : delay.count();
  uv_timer_start(&box_->handle, Box::fire, static_cast<std::uint64_t>(count), 0);
}

void Timer::start_every(std::chrono::milliseconds interval) {
  const auto count = static_cast<std::uint64_t>(interval.count() < 1 ? 1 : interval.count());
  uv_timer_start(&box_->handle, Box::fire, count, count);
}

void Timer::stop() {
  uv_timer_stop(&box_->handle);
}

bool Timer::active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&box_->handle)) != 0;
}

}  // namespace polyport
