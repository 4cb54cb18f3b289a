// ThreadTimes: what each thread of a tool and of what it started used of a processor, and wanted of
// one, in the whole time between the first look and the last. A thread that lives for a part of
// that time only, however busy it is, was the limit for no longer than that. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace polyport::measure {

class ThreadTimes {
 public:
  struct Counters {  // nanoseconds since the thread began, as the kernel counts them
    std::uint64_t ran = 0;
    std::uint64_t queued = 0;  // waiting for a processor
  };

  // A look at all threads begins: see() tells of each one there is.
  void look(std::uint64_t now_ns);
  void see(std::int32_t thread, Counters counters);

  // Of the busiest thread, from 0 to 1: the share of the time in which it ran, and that in which it
  // ran or wanted to.
  double busiest_used() const;
  double busiest_wanted() const;

 private:
  struct Thread {
    Counters first;  // at the first look of all; of one that began later: nothing
    Counters last;
  };
  double share(std::uint64_t time) const;

  static constexpr std::size_t kMostThreads = 4'096;
  std::map<std::int32_t, Thread> threads_;
  std::uint64_t first_look_ns_ = 0, last_look_ns_ = 0;
  std::uint64_t most_ran_ = 0, most_wanted_ = 0;  // of one thread
};

}  // namespace polyport::measure
