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

Turn::Turn(Loop& loop, Work& work) : work_(work), handles_(new Handles) {
  handles_->turn = this;
  uv_prepare_init(loop.native(), &handles_->prepare);
  uv_idle_init(loop.native(), &handles_->idle);
  handles_->prepare.data = handles_;
  handles_->idle.data = handles_;
  uv_prepare_start(&handles_->prepare, [](uv_prepare_t* prepare) {
    static_cast<Handles*>(prepare->data)->turn->end();
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
  began_ns_ = uv_hrtime();
}

}  // namespace polyport
