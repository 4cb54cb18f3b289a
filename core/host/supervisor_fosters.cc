// Who serves in place of a worker that takes no clients: the kernel goes on giving it some, which
// would wait for its next process, and perhaps for long.
#include "core/base/json_writer.h"
#include "core/host/supervisor.h"

namespace polyport {

void Supervisor::step_aside(Worker& worker) {
  if (draining_ || worker.status.state != State::kLive) return;
  worker.status.state = State::kDraining;
  find_fosters();
}

void Supervisor::find_fosters() {
  if (draining_) return;
  for (const auto& worker : workers_) {
    const State state = worker->status.state;
    const bool away = state == State::kWaiting || state == State::kDraining ||
                      (state == State::kStarting && worker->status.restarts > 0);
    const Worker* const foster = worker->foster;
    if (away && (foster == nullptr || foster->status.state != State::kLive)) find_foster(*worker);
  }
}

void Supervisor::find_foster(Worker& worker) {
  worker.foster = nullptr;
  for (const auto& other : workers_) {
    if (other->status.state != State::kLive || !other->channel) continue;
    const auto sockets = host_->hand_over_to_foster(worker.status.number);
    if (ask_to_foster(*other, worker, sockets)) worker.foster = other.get();
    return;
  }
}

// False where this process has no descriptors left to do it; told.
bool Supervisor::ask_to_foster(Worker& foster, const Worker& worker,
                               const std::vector<HandedService>& sockets) {
  std::string text;
  std::vector<int> descriptors;
  JsonWriter json(text);
  json.begin_object();
  json.field("worker", worker.status.number);
  json.key("services");
  write_handover(json, sockets, descriptors);
  json.end_object();
  if (foster.channel->try_send(WorkerChannel::kFoster, text, descriptors)) return true;
  const std::string message =
      "the clients of worker " + std::to_string(worker.status.number) +
      " wait for it: no descriptors are left to have another one serve them";
  log_.error({.event = "descriptors", .message = message});
  return false;
}

void Supervisor::end_fostering(Worker& worker) {
  Worker* const foster = std::exchange(worker.foster, nullptr);
  if (foster == nullptr || !foster->channel) return;
  foster->channel->send(WorkerChannel::kGiveBack, std::to_string(worker.status.number));
}

void Supervisor::on_listening(const Listening& event) {
  for (const auto& worker : workers_) {
    if (!worker->channel) continue;
    std::string text;
    std::vector<int> descriptors;
    JsonWriter json(text);
    write_handover(json, host_->hand_over(worker->status.number, event.listener), descriptors);
    if (worker->channel->try_send(WorkerChannel::kOpened, text, descriptors)) continue;
    const std::string message = "worker " + std::to_string(worker->status.number) +
                                " does not serve a port that is open now: no descriptors are left "
                                "to pass it on";
    log_.error({.event = "descriptors", .message = message, .listener = event.listener});
  }
  for (const auto& worker : workers_) {
    Worker* const foster = worker->foster;
    if (foster == nullptr || !foster->channel) continue;
    ask_to_foster(*foster, *worker,
                  host_->hand_over_to_foster(worker->status.number, event.listener));
  }
}

}  // namespace polyport
