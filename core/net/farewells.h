// Farewells: clients that were told why they are not served, and may still be sending.
//
// Closed at once, the bytes they send meanwhile would be answered with a RST that takes the words
// with it. So their sockets stay for a moment, a few at a time: a flood is not waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/loop/timer.h"

namespace polyport {

class Farewells {
 public:
  static constexpr std::size_t kMost = 16;
  static constexpr std::chrono::milliseconds kStay{500};

  explicit Farewells(Loop& loop) : loop_(loop), timer_(loop, [this] { close_due(); }) {}
  ~Farewells() { close_all(); }
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  // Takes over `fd`, on which our FIN is sent. The one that has been here longest may have to go.
  void add(int fd);
  void close_all();
  std::size_t count() const { return count_; }

 private:
  struct Guest {
    int fd = -1;
    std::uint64_t since_ms = 0;
  };
  void close_first();
  void close_due();

  Loop& loop_;
  Timer timer_;
  Guest guests_[kMost];  // a ring
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace polyport
