// Task: an answer of a router's action that goes on after the action has returned: one that comes
// later, or one that is streamed at the client's pace.
//
// It belongs to its exchange. It ends when it says so (finish), after the answer, or with an
// exchange that is aborted; both free it.
#pragma once

#include <memory>

#include "core/http/handler.h"

namespace polyport::http {

class Task {
 public:
  explicit Task(Exchange& exchange) : exchange_(exchange) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Hands the task to its exchange, which is kept for a later answer. Called once, by an action.
  static void start(std::unique_ptr<Task> task) {
    Exchange& exchange = task->exchange_;
    exchange.keep();
    exchange.set_state(task.release());
  }

  // A begun answer may go on. As all of Task, it may finish().
  virtual void on_writable() {}

 protected:
  Exchange& exchange() { return exchange_; }
  // Frees the task, after its answer has ended: nothing of it may be touched any more.
  void finish() {
    exchange_.set_state(nullptr);
    delete this;
  }

 private:
  Exchange& exchange_;
};

}  // namespace polyport::http
