// Answers that wait: once (answer_after), or piece by piece over a time (TimedTask, PacedTask).
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "core/http/task.h"
#include "core/loop/alarms.h"
#include "services/http/call.h"

namespace polyport::services::http {

// A task that is woken at points in time. What its on_time throws ends the connection.
class TimedTask : public polyport::http::Task, private Alarm {
 protected:
  explicit TimedTask(Call& call) : Task(call.exchange()), site_(call.site()) {}
  Site& site() { return site_; }
  void wake_in(std::chrono::nanoseconds after);
  void silence() { site_.alarms().cancel(*this); }  // no on_time until it is set again
  std::uint64_t now_ms() { return site_.loop().now_ms(); }
  virtual void on_time() = 0;

 private:
  void ring() noexcept final;
  Site& site_;
};

// Calls `answer` with a Call of its own once `after` has passed; at once where that is nothing. It
// must answer in full, or leave another task behind.
void answer_after(Call& call, std::chrono::nanoseconds after, std::function<void(Call&)> answer);

// An answer of `count` pieces: the first after `delay`, the last `duration` later, the others
// evenly between. What is due goes out together, and waits while the client does not read.
class PacedTask : public TimedTask {
 public:
  struct Plan {
    std::chrono::nanoseconds delay{0};
    std::chrono::nanoseconds duration{0};
    std::uint64_t count = 1;
    double jitter = 0;  // each piece may come so much earlier or later, as a part of the pause
    std::uint64_t batch = 1;  // pieces that one write may take, where several are due

    std::chrono::nanoseconds pause() const;  // between two pieces
  };
  static void start(std::unique_ptr<PacedTask> task);

 protected:
  PacedTask(Call& call, const Plan& plan);
  const Plan& plan() const { return plan_; }

  virtual void begin() = 0;                                          // begins the answer
  virtual void write(std::uint64_t first, std::uint64_t count) = 0;  // pieces, numbered from 0
  virtual void end() { exchange().end(); }
  // Nobody waits for the body of an answer to HEAD.
  virtual bool has_body() { return exchange().request().method != "HEAD"; }

 private:
  void on_time() final;
  void on_writable() final;
  void go_on();
  std::chrono::nanoseconds due(std::uint64_t piece);  // after the start

  Plan plan_;
  std::uint64_t began_ms_;
  std::uint64_t sent_ = 0;
  double offset_ = 0;  // of the next piece, by jitter, in pauses
  bool begun_ = false;
};

}  // namespace polyport::services::http
