// Alarms: any number of points in time on one timer of the loop, to the millisecond.
//
// For answers that come later (/delay, /drip): ten thousand of them are a heap of pointers, not ten
// thousand handles of libuv. What belongs to a connection as such (idleness, a slow head) is the
// business of its deadline (core/net), which costs less and is less exact.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "core/loop/timer.h"

namespace polyport {

class Alarms;

// What is woken. Destroying it cancels the alarm.
class Alarm {
 public:
  Alarm() = default;
  virtual ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 protected:
  // On the loop's thread, outside any callback of a connection. May set alarms, this one too, and
  // destroy any, this one too.
  virtual void ring() noexcept = 0;

 private:
  friend class Alarms;
  Alarms* alarms_ = nullptr;  // where it is set
  std::size_t at_ = 0;        // in the heap
  std::uint64_t due_ms_ = 0;
  std::uint64_t order_ = 0;  // of two that are due at one time, the one set first rings first
};

class Alarms {
 public:
  explicit Alarms(Loop& loop);
  ~Alarms();  // cancels what is set
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  // Setting it again moves it.
  void set(Alarm& alarm, std::chrono::milliseconds after);
  void cancel(Alarm& alarm);
  std::size_t size() const { return heap_.size(); }

 private:
  // More in one go would keep the sockets waiting; the rest rings in the next round of the loop.
  static constexpr int kMostAtOnce = 256;

  void ring_due();
  void arm();
  static bool before(const Alarm& left, const Alarm& right);
  void place(std::size_t at, Alarm& alarm);
  void sift_up(std::size_t at);
  void sift_down(std::size_t at);

  Loop& loop_;
  Timer timer_;
  std::vector<Alarm*> heap_;
  std::uint64_t armed_ms_ = 0;  // what the timer waits for; 0: nothing
  std::uint64_t count_ = 0;
};

}  // namespace polyport
