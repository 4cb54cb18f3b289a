#include "core/net/farewells.h"

#include "core/loop/loop.h"
#include "core/socket/socket.h"

namespace polyport {

void Farewells::add(int fd) {
  if (count_ == kMost) close_first();
  guests_[(first_ + count_++) % kMost] = {fd, loop_.now_ms()};
  if (!timer_.active()) timer_.start(kStay);
}

void Farewells::close_first() {
  sock::close(guests_[first_].fd);
  first_ = (first_ + 1) % kMost;
  --count_;
}

void Farewells::close_all() {
  while (count_ > 0)
    close_first();
  timer_.stop();
}

void Farewells::close_due() {
  constexpr auto kStayMs = static_cast<std::uint64_t>(kStay.count());
  while (count_ > 0 && loop_.now_ms() - guests_[first_].since_ms >= kStayMs)
    close_first();
  if (count_ > 0) timer_.start(kStay);
}

}  // namespace polyport
