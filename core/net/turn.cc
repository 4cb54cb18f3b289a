#include "core/net/turn.h"

#include <uv.h>

#include <algorithm>

namespace polyport {

namespace {
constexpr std::uint64_t kTurnNanoseconds = 1'000'000;
}

// Two handles in one block that frees itself when both are closed: the prepare runs before the loop
// sleeps, the idle, while it is active, keeps the loop from sleeping.
struct Turn::Handles {
  uv_prepare_t prepare{};
  uv_idle_t idle{};
  Turn* turn = nullptr;
  int open = 2;

  static void closed(uv_handle_t* handle) {
    auto* handles = static_cast<Handles*>(handle->data);
    if (--handles->open == 0) delete handles;
  }
};

Turn::Turn(Loop& loop, Work& work) : loop_(loop), work_(work), handles_(new Handles) {
  handles_->turn = this;
  uv_prepare_init(loop.native(), &handles_->prepare);
  uv_idle_init(loop.native(), &handles_->idle);
  handles_->prepare.data = handles_;
  handles_->idle.data = handles_;
  uv_prepare_start(&handles_->prepare, [](uv_prepare_t* prepare) {
    Turn& turn = *static_cast<Handles*>(prepare->data)->turn;
    turn.end();
    turn.fall_asleep();
  });
  // The end of a turn is no reason to keep the loop running.
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->prepare));
  began_ns_ = uv_hrtime();
}

Turn::~Turn() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->prepare), Handles::closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&handles_->idle), Handles::closed);
}

bool Turn::overdue() const {
  return uv_hrtime() - began_ns_ > kTurnNanoseconds;
}

void Turn::request() {
  uv_idle_start(&handles_->idle, [](uv_idle_t*) {});
}

void Turn::end() noexcept {
  most_callbacks_ = std::max(most_callbacks_, callbacks_);
  callbacks_ = 0;
  ++count_;
  if (work_.end_of_turn()) {
    request();
  } else {
    uv_idle_stop(&handles_->idle);
  }
  const std::uint64_t now = uv_hrtime();
  note_length(now);
  began_ns_ = now;
}

void Turn::fall_asleep() {
  asleep_ = slept_ = true;
  woke_ns_ = 0;
  wake_wanted_ = load_.wants_wake();
}

void Turn::wake() {
  asleep_ = false;
  woke_ms_ = loop_.now_ms();
  if (wake_wanted_) woke_ns_ = uv_hrtime();
}

void Turn::note_length(std::uint64_t now_ns) {
  // Where only timers ran since the loop slept, its clock was set just before them.
  if (asleep_) woke_ms_ = loop_.now_ms();
  if (!slept_) {
    load_.turn_went_on(now_ns - began_ns_);
  } else if (woke_ns_ != 0) {
    load_.turn_measured(now_ns - woke_ns_);
  } else {
    const std::uint64_t woke = std::max(began_ns_, woke_ms_ * 1'000'000);
    load_.turn_estimated(now_ns > woke ? now_ns - woke : 0);
  }
  slept_ = asleep_ = false;
}

}  // namespace polyport
