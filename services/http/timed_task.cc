#include "services/http/timed_task.h"

#include <exception>

namespace polyport::services::http {
namespace {

std::chrono::milliseconds up_to_ms(std::chrono::nanoseconds time) {
  return std::chrono::ceil<std::chrono::milliseconds>(time);
}

class Later final : public TimedTask {
 public:
  Later(Call& call, std::chrono::nanoseconds after, std::function<void(Call&)> answer)
      : TimedTask(call), answer_(std::move(answer)) {
    wake_in(after);
  }

 private:
  void on_time() override {
    const auto answer = std::move(answer_);
    const Parameters none;
    Call call(site(), exchange(), none);
    finish();
    answer(call);
  }

  std::function<void(Call&)> answer_;
};

}  // namespace

// --- TimedTask -----------------------------------------------------------------------------------

void TimedTask::wake_in(std::chrono::nanoseconds after) {
  site_.alarms().set(*this, up_to_ms(after));
}

void TimedTask::ring() noexcept {
  Connection& connection = exchange().connection();
  Log& log = site_.log();
  try {
    on_time();
  } catch (const std::exception& error) {
    log.error({.event = "service_error", .message = error.what()});
    connection.close(CloseReason::kServiceError);
  } catch (...) {
    connection.close(CloseReason::kServiceError);
  }
}

void answer_after(Call& call, std::chrono::nanoseconds after, std::function<void(Call&)> answer) {
  if (after <= std::chrono::nanoseconds(0)) return answer(call);
  polyport::http::Task::start(std::make_unique<Later>(call, after, std::move(answer)));
}

// --- PacedTask -----------------------------------------------------------------------------------

std::chrono::nanoseconds PacedTask::Plan::pause() const {
  // Nothing waits behind the last one.
  return count > 1 ? duration / static_cast<std::int64_t>(count - 1) : duration;
}

PacedTask::PacedTask(Call& call, const Plan& plan)
    : TimedTask(call), plan_(plan), began_ms_(now_ms()) {}

void PacedTask::start(std::unique_ptr<PacedTask> task) {
  PacedTask& started = *task;
  Task::start(std::move(task));
  if (started.plan_.delay > std::chrono::nanoseconds(0)) {
    started.wake_in(started.plan_.delay);
  } else {
    started.go_on();
  }
}

void PacedTask::on_time() {
  go_on();
}

void PacedTask::on_writable() {
  if (begun_) go_on();
}

std::chrono::nanoseconds PacedTask::due(std::uint64_t piece) {
  const double pause = static_cast<double>(plan_.pause().count());
  const double at = (static_cast<double>(piece) + (piece == 0 ? 0 : offset_)) * pause;
  return plan_.delay + std::chrono::nanoseconds(static_cast<std::int64_t>(at < 0 ? 0 : at));
}

void PacedTask::go_on() {
  if (!begun_) {
    begun_ = true;
    begin();
    if (!has_body()) sent_ = plan_.count;
  }
  const std::chrono::nanoseconds elapsed = std::chrono::milliseconds(now_ms() - began_ms_);
  while (sent_ < plan_.count && due(sent_) <= elapsed) {
    if (exchange().congested()) return;  // on_writable goes on
    std::uint64_t count = 1;
    while (plan_.jitter == 0 && count < plan_.batch && sent_ + count < plan_.count &&
           due(sent_ + count) <= elapsed) {
      ++count;
    }
    write(sent_, count);
    sent_ += count;
    offset_ = plan_.jitter * (2 * uniform(site().random()) - 1);
  }
  if (sent_ == plan_.count) {
    end();
    finish();
  } else {
    wake_in(due(sent_) - elapsed);
  }
}

}  // namespace polyport::services::http
