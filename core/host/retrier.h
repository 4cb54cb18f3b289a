// Retrier: tries the groups that wait for their port (on_conflict = "retry") again, until they are
// open, while everything else serves.
//
// From 250 ms to 30 s apart, each group by itself, on fresh sockets each time; those that wait for
// an address also as soon as this machine gets one. Who is in the way is not looked up again: that
// reads /proc, and this runs on the loop.
#pragma once

#include <functional>
#include <list>
#include <random>

#include "core/base/backoff.h"
#include "core/host/opener.h"
#include "core/loop/timer.h"
#include "core/observe/events.h"

namespace polyport {

class Retrier {
 public:
  Retrier(Loop& loop, Network& network, Log& log, Events& events);
  Retrier(const Retrier&) = delete;
  Retrier& operator=(const Retrier&) = delete;

  void add(const Opener::Waiting& waiting);
  void stop();

 private:
  struct Entry {
    Entry(Loop& loop, const Opener::Waiting& waiting_, std::function<void()> on_time);
    Opener::Waiting waiting;
    Backoff backoff;
    Timer timer;
  };
  using Entries = std::list<Entry>;

  void try_again(Entries::iterator entry, std::string_view why);
  // Where that is what is lacking.
  void watch_addresses(int error);
  void try_addresses();
  void go_live(PortGroup& group, Instance& instance, std::string_view why);
  void keep_waiting(Entry& entry, std::vector<BindAttempt> attempts);
  double random() { return std::uniform_real_distribution<double>()(random_); }

  Loop& loop_;
  Network& network_;
  Log& log_;
  Events& events_;
  Entries entries_;
  std::minstd_rand random_;
  bool watches_addresses_ = false;
};

}  // namespace polyport
