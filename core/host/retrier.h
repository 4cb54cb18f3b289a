// Retrier: tries the groups that wait for their port (on_conflict = "retry") again, until they are
// open, while everything else serves.
//
// From 250 ms to 30 s apart, each group by itself, on fresh sockets each time; those that wait for
// an address also as soon as this machine gets one. Who is in the way is looked up again when the
// kernel's answer changes, and now and then while it does not: the holder may be another by then.
#pragma once

#include <functional>
#include <list>
#include <random>

#include "core/base/backoff.h"
#include "core/host/look_around.h"
#include "core/host/opener.h"
#include "core/loop/timer.h"
#include "core/observe/events.h"

namespace polyport {

class Retrier {
 public:
  Retrier(Loop& loop, Network& network, Log& log, Events& events, ExplainContext context);
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
    std::vector<BindAttempt> unexplained;  // to be looked into
    std::uint64_t explained_ms = 0;        // on the loop's clock
    bool being_explained = false;
    std::string told;  // the last of it that the log has
  };
  using Entries = std::list<Entry>;

  void try_again(Entries::iterator entry, std::string_view why);
  // Where that is what is lacking.
  void watch_addresses(int error);
  void try_addresses();
  void go_live(PortGroup& group, Instance& instance, std::string_view why);
  void keep_waiting(Entry& entry, std::vector<BindAttempt> attempts);
  void look_around();
  void explained(std::vector<Explanation> explanations);
  void tell(Entry& entry, std::vector<std::shared_ptr<const Explanation>> explanations);
  double random() { return std::uniform_real_distribution<double>()(random_); }

  Loop& loop_;
  Network& network_;
  Log& log_;
  Events& events_;
  LookAround look_around_;
  Entries entries_;
  std::minstd_rand random_;
  bool watches_addresses_ = false;
};

}  // namespace polyport
