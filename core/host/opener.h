// Opener: opens every socket of every service before any of them serves, and does with each
// conflict what the service's on_conflict says.
//
// fail   nothing starts (EADDRINUSE, and every other error that the policy does not take)
// skip   taken, not on this machine, or not permitted; of a path also what is there instead of it,
//        or its directory missing: the service is left out
// next   EADDRINUSE: the whole group moves to the next free port that no service here wants
// retry  EADDRINUSE, EADDRNOTAVAIL: the group waits (core/host/retrier.h), the others serve
// share  EADDRINUSE: joins with SO_REUSEPORT where every holder is a process of this user
//
// Who is in the way is looked up once, for all of them, at the end; it reads /proc and blocks.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/host/host.h"
#include "core/host/instance.h"
#include "core/host/look_around.h"
#include "core/ports/explain.h"

namespace polyport {

class Opener {
 public:
  using Instances = std::span<const std::unique_ptr<Instance>>;

  // `options` for what is suggested.
  Opener(Instances instances, const HostOptions& options);

  // Once. What could not be opened and stops the start; what was opened stays open all the same.
  StartFailure open();
  // A group that waits for its port, and the errno it waits with.
  struct Waiting {
    Instance* instance;
    PortGroup* group;
    int error;
  };
  const std::vector<Waiting>& waiting() const { return waiting_; }
  // For explaining what fails later.
  ExplainContext context() const;
  // What was done instead of what was configured, for the log and the table.
  struct Told {
    std::string_view event;  // "listener_moved"
    std::string service;     // its name
    std::string message;
    bool note = true;  // worth a line below the table
  };
  const std::vector<Told>& told() const { return told_; }

 private:
  // A group that could not be opened as it is written.
  struct Conflict {
    enum class End : std::uint8_t { kFatal, kSkipped, kMoved, kRetrying, kShared, kClosed };
    Instance* instance;
    PortGroup* group;
    std::vector<BindAttempt> attempts;
    End end = End::kFatal;
    std::uint16_t from = 0;  // of a move
    std::vector<std::shared_ptr<const Explanation>> explanations;
  };

  void open_instance(Instance& instance);
  void look_at_closed(Instance& instance, PortGroup& group);
  void meet(Instance& instance, PortGroup& group, std::vector<BindAttempt> attempts);
  bool move(Conflict& conflict);
  bool wanted_by_others(const PortGroup& group, std::uint16_t port) const;
  void share_ports();
  bool share(Conflict& conflict);
  void forbid_double_doors();
  void close_all();
  void explain_all();
  void tell_all();
  void tell(const Conflict& conflict);
  StartFailure failure();

  Instances instances_;
  const HostOptions& options_;
  std::vector<BindTarget> wanted_;
  std::vector<Conflict> conflicts_;
  std::vector<Waiting> waiting_;
  std::vector<Told> told_;
  Errors errors_;
  bool out_of_descriptors_ = false;
};

// Why on_conflict = "share" does not share a port with this holder; empty where it may.
std::string_view share_obstacle(const Holder& holder);

}  // namespace polyport
