#include "core/net/poller.h"

#include <uv.h>

#include <cerrno>

#include "core/base/assert.h"
#include "core/loop/loop.h"
#include "core/net/turn.h"
#include "core/socket/socket.h"

namespace polyport {

static_assert(sizeof(uv_poll_t) <= sizeof(PollHandle));
static_assert(alignof(uv_poll_t) <= alignof(PollHandle));
static_assert(int{kReadable} == int{UV_READABLE} && int{kWritable} == int{UV_WRITABLE});

namespace {

uv_poll_t* native(PollHandle& handle) {
  return reinterpret_cast<uv_poll_t*>(handle.storage);
}

PollHandle& owner(void* poll) {
  return *static_cast<PollHandle*>(poll);
}

const PollOperations& operations_of(const void* data) {
  return *static_cast<const PollOperations*>(data);
}

}  // namespace

Poller::Poller(Loop& loop, Turn& turn) : loop_(loop), turn_(turn) {
  POLYPORT_ASSERT(uv_loop_get_data(loop.native()) == nullptr);
  uv_loop_set_data(loop.native(), &turn_);
}

Poller::~Poller() {
  uv_loop_set_data(loop_.native(), nullptr);
}

bool Poller::open(PollHandle& handle, int fd, const PollOperations& operations) {
  uv_poll_t* poll = native(handle);
  const int status = uv_poll_init(loop_.native(), poll, fd);
  if (status != 0) {
    errno = -status;
    return false;
  }
  // uv_poll_t::data is the one word that is ours; libuv never writes to it.
  poll->data = const_cast<PollOperations*>(&operations);
  return true;
}

void Poller::set(PollHandle& handle, std::uint8_t interest) {
  uv_poll_t* poll = native(handle);
  if (interest == kNoInterest) {
    uv_poll_stop(poll);
    return;
  }
  const int status = uv_poll_start(
      poll, interest & (kReadable | kWritable), [](uv_poll_t* ready, int status_, int events) {
        // libuv stops the handle when the kernel reports an error, and calls that UV_EBADF; what
        // really happened is for the owner to read from the socket.
        const auto what =
            status_ < 0 ? std::uint8_t{kPollError} : static_cast<std::uint8_t>(events);
        auto* turn = static_cast<Turn*>(uv_loop_get_data(ready->loop));
        turn->begin_callback();
        operations_of(ready->data).ready(owner(ready), what);
        turn->count_callback();
      });
  POLYPORT_ASSERT(status == 0);
}

void Poller::close(PollHandle& handle, int fd) {
  release(handle);
  sock::close(fd);
}

void Poller::release(PollHandle& handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(native(handle)),
           [](uv_handle_t* closed) { operations_of(closed->data).closed(owner(closed)); });
}

}  // namespace polyport
