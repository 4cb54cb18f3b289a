// LookAround: explains failed binds while the loop runs.
//
// Who is in the way is read from /proc, which on a big machine takes a good part of a second: too
// long for the loop. So a thread of its own does it, one at a time; it is left behind at the end,
// as those of core/net/resolver.h are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/wakeup.h"
#include "core/ports/explain.h"

namespace polyport {

// What an explanation needs to know beside the attempts: as in ExplainRequest, for keeping.
struct ExplainContext {
  std::vector<OwnSocket> own;
  std::vector<BindTarget> wanted;
  std::string run_command;
  int offset = 0;

  ExplainRequest request(std::span<const BindAttempt> attempts) const {
    return {.attempts = attempts,
            .own = own,
            .wanted = wanted,
            .run_command = run_command,
            .offset = offset};
  }
};

class LookAround {
 public:
  // One explanation for each attempt, in their order; none at all where memory ran out.
  using Answer = std::function<void(std::vector<Explanation>)>;

  LookAround(Loop& loop, ExplainContext context);
  ~LookAround();  // answers nobody, and waits for nothing
  LookAround(const LookAround&) = delete;
  LookAround& operator=(const LookAround&) = delete;

  bool busy() const { return job_ != nullptr; }
  // Not while it is busy. Calls `answer` once, on the loop, from outside of ask(). False where this
  // machine gives no thread.
  bool ask(std::vector<BindAttempt> attempts, Answer answer);

 private:
  struct Job;
  void collect();

  Wakeup wakeup_;
  std::shared_ptr<const ExplainContext> context_;
  std::shared_ptr<Job> job_;
  Answer answer_;
};

}  // namespace polyport
