#include "core/loop/loop.h"

#include <uv.h>

#include <cstdio>
#include <cstdlib>

#include "core/base/assert.h"

namespace polyport {

void Loop::Free::operator()(uv_loop_s* loop) const {
  delete loop;
}

Loop::Loop() : native_(new uv_loop_t{}) {
  POLYPORT_ASSERT(uv_loop_init(native_.get()) == 0);
}

Loop::~Loop() {
  // Close callbacks may close further handles; a few rounds see them all through.
  for (int round = 0; round < 16 && uv_loop_close(native_.get()) != 0; ++round) {
    if (round == 15) {
      std::fprintf(stderr, "polyport: bug: the loop ends with open handles:\n");
      uv_print_all_handles(native_.get(), stderr);
      std::abort();
    }
    uv_run(native_.get(), UV_RUN_NOWAIT);
  }
}

void Loop::run() {
  uv_run(native_.get(), UV_RUN_DEFAULT);
}
void Loop::stop() {
  uv_stop(native_.get());
}
void Loop::run_once() {
  uv_run(native_.get(), UV_RUN_ONCE);
}
void Loop::run_ready() {
  uv_run(native_.get(), UV_RUN_NOWAIT);
}
std::uint64_t Loop::now_ms() const {
  return uv_now(native_.get());
}
void Loop::update_now() {
  uv_update_time(native_.get());
}

}  // namespace polyport
