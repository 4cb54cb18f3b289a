#include "core/host/look_around.h"

#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "core/base/assert.h"
#include "core/loop/signals_held.h"

namespace polyport {

struct LookAround::Job {
  std::vector<BindAttempt> attempts;
  std::shared_ptr<const ExplainContext> context;

  std::mutex mutex;          // of what follows
  Wakeup* wakeup = nullptr;  // null: nobody waits any more
  std::optional<std::vector<Explanation>> result;

  void run() {
    std::vector<Explanation> explanations;
    try {
      explanations = explain(context->request(attempts));
    } catch (const std::exception&) {
      // Out of memory, or of descriptors in the midst of it: then nothing has been found out.
    }
    const std::lock_guard lock(mutex);
    if (wakeup == nullptr) return;
    result = std::move(explanations);
    wakeup->wake();  // still there: its end takes this lock first
  }
};

LookAround::LookAround(Loop& loop, ExplainContext context)
    : wakeup_(loop, [this] { collect(); }),
      context_(std::make_shared<const ExplainContext>(std::move(context))) {}

LookAround::~LookAround() {
  if (!job_) return;
  const std::lock_guard lock(job_->mutex);
  job_->wakeup = nullptr;
}

bool LookAround::ask(std::vector<BindAttempt> attempts, Answer answer) {
  POLYPORT_ASSERT(!job_);
  auto job = std::make_shared<Job>();
  job->attempts = std::move(attempts);
  job->context = context_;
  job->wakeup = &wakeup_;
  try {
    const SignalsHeld held;
    std::thread([job] { job->run(); }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  job_ = std::move(job);
  answer_ = std::move(answer);
  return true;
}

void LookAround::collect() {
  if (!job_) return;
  std::vector<Explanation> explanations;
  {
    const std::lock_guard lock(job_->mutex);
    if (!job_->result) return;
    explanations = std::move(*job_->result);
  }
  job_ = nullptr;
  std::exchange(answer_, nullptr)(std::move(explanations));
}

}  // namespace polyport
