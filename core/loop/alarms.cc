#include "core/loop/alarms.h"

#include <algorithm>

namespace polyport {

Alarm::~Alarm() {
  if (alarms_ != nullptr) alarms_->cancel(*this);
}

Alarms::Alarms(Loop& loop) : loop_(loop), timer_(loop, [this] { ring_due(); }) {}

Alarms::~Alarms() {
  for (Alarm* alarm : heap_)
    alarm->alarms_ = nullptr;
}

void Alarms::set(Alarm& alarm, std::chrono::milliseconds after) {
  if (alarm.alarms_ != nullptr) alarm.alarms_->cancel(alarm);
  alarm.alarms_ = this;
  alarm.due_ms_ =
      loop_.now_ms() + static_cast<std::uint64_t>(std::max<std::int64_t>(after.count(), 0));
  alarm.order_ = ++count_;
  heap_.push_back(&alarm);
  alarm.at_ = heap_.size() - 1;
  sift_up(alarm.at_);
  arm();
}

void Alarms::cancel(Alarm& alarm) {
  if (alarm.alarms_ != this) return;
  alarm.alarms_ = nullptr;
  const std::size_t at = alarm.at_;
  Alarm& last = *heap_.back();
  heap_.pop_back();
  if (&last != &alarm) {
    place(at, last);
    sift_up(at);
    sift_down(last.at_);
  }
  if (heap_.empty()) arm();
}

void Alarms::ring_due() {
  armed_ms_ = 0;
  const std::uint64_t now = loop_.now_ms();
  const std::uint64_t last = count_;  // what is set from now on waits for the next round
  for (int rung = 0; rung < kMostAtOnce && !heap_.empty(); ++rung) {
    Alarm& alarm = *heap_.front();
    if (alarm.due_ms_ > now || alarm.order_ > last) break;
    cancel(alarm);
    alarm.ring();
  }
  arm();
}

// An alarm that was cancelled may leave the timer armed: it then finds nothing due and is armed
// anew, which costs less than moving the timer with every one.
void Alarms::arm() {
  if (heap_.empty()) {
    timer_.stop();
    armed_ms_ = 0;
    return;
  }
  const std::uint64_t due = heap_.front()->due_ms_;
  if (armed_ms_ != 0 && armed_ms_ <= due) return;
  const std::uint64_t now = loop_.now_ms();
  // libuv goes on with the timers that are due before it looks at the sockets: one that starts
  // again at once would never let it.
  armed_ms_ = std::max(due, now + 1);
  timer_.start(std::chrono::milliseconds(armed_ms_ - now));
}

// --- the heap ------------------------------------------------------------------------------------

bool Alarms::before(const Alarm& left, const Alarm& right) {
  return left.due_ms_ != right.due_ms_ ? left.due_ms_ < right.due_ms_ : left.order_ < right.order_;
}

void Alarms::place(std::size_t at, Alarm& alarm) {
  heap_[at] = &alarm;
  alarm.at_ = at;
}

void Alarms::sift_up(std::size_t at) {
  Alarm& alarm = *heap_[at];
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (!before(alarm, *heap_[parent])) break;
    place(at, *heap_[parent]);
    at = parent;
  }
  place(at, alarm);
}

void Alarms::sift_down(std::size_t at) {
  Alarm& alarm = *heap_[at];
  for (;;) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
    if (!before(*heap_[child], alarm)) break;
    place(at, *heap_[child]);
    at = child;
  }
  place(at, alarm);
}

}  // namespace polyport
