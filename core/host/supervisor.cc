#include "core/host/supervisor.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/digest.h"
#include "core/base/json_writer.h"
#include "core/base/units.h"
#include "core/host/load_status.h"
#include "core/host/metrics_page.h"
#include "core/socket/passing.h"

namespace polyport {

namespace {

// A page does not wait longer for a worker that is busy; what it said before is shown then.
constexpr std::chrono::milliseconds kReportLimit{500};
// Questions that a worker has not answered yet. One that is stopped would be asked for ever.
constexpr std::size_t kMostAsked = 4;
// Beyond the grace a worker ends by itself; it is given this long to do so.
constexpr std::chrono::milliseconds kEndLimit{2'000};

std::string end_text(int exit_code, int signal) {
  if (signal == 0) return "exit code " + std::to_string(exit_code);
  return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Log& log, Events& events, SupervisorOptions options)
    : loop_(loop),
      log_(log),
      events_(events),
      options_(std::move(options)),
      give_up_(loop,
               [this] {
                 for (const auto& worker : workers_) {
                   if (worker->child) worker->child->signal(SIGKILL);
                 }
               }),
      random_(std::random_device()()) {
  events_.add(*this);
}

Supervisor::~Supervisor() {
  events_.remove(*this);
  stop();
}

// --- a worker's life -----------------------------------------------------------------------------

void Supervisor::start(Host& host, std::function<void(Errors)> started) {
  POLYPORT_ASSERT(workers_.empty());
  host_ = &host;
  started_ = std::move(started);
  for (int number = 0; number < options_.workers; ++number) {
    auto worker = std::make_unique<Worker>(loop_, options_, [this, number] {
      time_is_up(*workers_[static_cast<std::size_t>(number)]);
    });
    worker->status.number = number;
    workers_.push_back(std::move(worker));
  }
  for (const auto& worker : workers_)
    spawn(*worker);
}

void Supervisor::spawn(Worker& worker) {
  worker.status.state = State::kStarting;
  worker.born_ms = loop_.now_ms();
  worker.errors.clear();
  std::array<int, 2> ends{-1, -1};
  int error = sock::open_channel(ends);
  if (error == 0) {
    auto child = Child::start(loop_, options_.program, ends[1],
                              [this, &worker](int code, int sig) { exited(worker, code, sig); });
    ::close(ends[1]);
    if (child) {
      worker.child = std::move(*child);
      worker.status.pid = worker.child->pid();
      worker.channel = std::make_unique<WorkerChannel>(
          loop_, ends[0],
          WorkerChannel::Events{.on_message =
                                    [this, &worker](WorkerChannel::Message message) {
                                      heard(worker, std::move(message));
                                    },
                                .on_lost =
                                    [this, &worker](std::string_view word) {
                                      // The figures that there are must do.
                                      if (word == WorkerChannel::kReport) take_answer(worker);
                                    },
                                .on_end = [this, &worker] { went_silent(worker); }});
      set_up(worker);
      return;
    }
    error = -child.error();
    ::close(ends[0]);
  }
  worker.errors.push_back({ErrorCode::kSystem,
                           "worker " + std::to_string(worker.status.number) +
                               " cannot be started: " + std::strerror(-error),
                           "server.workers", ""});
  worker.timer.start(std::chrono::milliseconds(0));  // whoever calls start() hears it from the loop
}

void Supervisor::set_up(Worker& worker) {
  std::string text;
  std::vector<int> descriptors;
  JsonWriter json(text);
  json.begin_object();
  json.field("worker", worker.status.number);
  json.field("workers", options_.workers);
  json.field("parent", ::getpid());
  json.field("secret", hex(program_secret()));
  json.key("configuration");
  json.raw(options_.configuration);
  json.key("services");
  write_handover(json, host_->hand_over(worker.status.number), descriptors);
  json.end_object();
  worker.channel->send(WorkerChannel::kSetUp, text, descriptors);
}

void Supervisor::heard(Worker& worker, WorkerChannel::Message message) {
  for (const int fd : message.descriptors)
    ::close(fd);  // nobody sends us any
  if (message.word == WorkerChannel::kReady) {
    worker.status.state = draining_ ? State::kDraining : State::kLive;
    if (worker.status.restarts > 0) {
      const std::string text = "worker " + std::to_string(worker.status.number) +
                               " serves again, pid " + std::to_string(worker.status.pid);
      log_.info({.event = "worker_ready", .message = text});
    }
    end_fostering(worker);
    find_fosters();
    settle_start();
  } else if (message.word == WorkerChannel::kDrain) {
    step_aside(worker);
  } else if (message.word == WorkerChannel::kFailed) {
    worker.errors = read_handed_errors(message.body);
  } else if (message.word == WorkerChannel::kReport) {
    if (auto report = read_report(message.body)) worker.last = std::move(*report);
    take_answer(worker);
  }
}

// It is about to end. One that is not, and cannot be told anything any more, is ended.
void Supervisor::went_silent(Worker& worker) {
  if (worker.child) worker.timer.start(kEndLimit);
  step_aside(worker);
}

void Supervisor::exited(Worker& worker, int exit_code, int signal) {
  if (worker.channel) worker.channel->receive_now();  // its last words
  worker.channel.reset();
  worker.child.reset();
  worker.timer.stop();
  // A signal to the whole group finds one that begins without a handler for it yet.
  const bool told = draining_ && (signal == SIGINT || signal == SIGTERM);
  const bool clean = told || (signal == 0 && exit_code == 0);
  WorkerStatus& status = worker.status;
  const bool was_starting = status.state == State::kStarting;
  status.state = draining_ || started_ ? State::kStopped : State::kWaiting;
  status.last_end = end_text(exit_code, signal);
  status.pid = 0;
  forget_open(worker.last);
  if (worker.gone.services.empty()) {
    worker.gone = std::exchange(worker.last, {});
  } else {
    add_report(worker.gone, std::exchange(worker.last, {}));
  }
  for (const std::uint64_t round : std::exchange(worker.asked, {}))
    answered(round);
  if (draining_) {
    if (!clean && drained_) {  // stop() ends them as it can
      ++unclean_;
      const std::string text = "worker " + std::to_string(status.number) +
                               " did not end as it should: " + status.last_end;
      log_.error({.event = "worker_died", .message = text});
    }
    return settle_drain();
  }
  if (started_) {  // one that cannot start at the beginning stops all
    if (worker.errors.empty()) {
      worker.errors.push_back({ErrorCode::kSystem,
                               "worker " + std::to_string(status.number) +
                                   " ended before it served: " + status.last_end,
                               "server.workers", ""});
    }
    return settle_start();
  }
  const bool steady = !was_starting && loop_.now_ms() - worker.born_ms >=
                                           static_cast<std::uint64_t>(options_.steady.count());
  if (steady) worker.backoff.reset();
  const auto delay = worker.backoff.next(random());
  tell_end(worker, clean, delay);
  worker.timer.start(delay);
  find_fosters();
}

void Supervisor::tell_end(const Worker& worker, bool clean, std::chrono::milliseconds delay) {
  const std::string text = "worker " + std::to_string(worker.status.number) +
                           " has ended: " + worker.status.last_end + "; it is started again in " +
                           human_duration(delay);
  log_.write(clean ? LogLevel::kInfo : LogLevel::kError,
             {.event = clean ? "worker_ended" : "worker_died", .message = text});
  for (const Error& error : worker.errors)
    log_.error({.event = "worker_failed", .message = error.text()});
}

void Supervisor::time_is_up(Worker& worker) {
  constexpr int kNotStarted = 127;  // as a shell says it
  if (worker.child) return worker.child->signal(SIGKILL);
  if (worker.status.state == State::kStarting) return exited(worker, kNotStarted, 0);
  ++worker.status.restarts;
  spawn(worker);
}

// All serve, or one cannot.
void Supervisor::settle_start() {
  if (!started_) return;
  const auto state_is = [](State state) {
    return [state](const auto& worker) { return worker->status.state == state; };
  };
  const auto stopped = std::find_if(workers_.begin(), workers_.end(), state_is(State::kStopped));
  const bool all = std::all_of(workers_.begin(), workers_.end(), state_is(State::kLive));
  if (stopped == workers_.end() && !all) return;
  const auto started = std::exchange(started_, nullptr);
  started(all ? Errors{} : (*stopped)->errors);
}

// --- the end -------------------------------------------------------------------------------------

void Supervisor::drain(std::function<void(std::size_t)> done) {
  draining_ = true;
  started_ = nullptr;
  drained_ = std::move(done);
  for (const auto& worker : workers_) {
    worker->timer.stop();
    worker->status.state = worker->child ? State::kDraining : State::kStopped;
    if (worker->channel) worker->channel->send(WorkerChannel::kDrain);
  }
  give_up_.start(options_.grace + kEndLimit);
  settle_drain();
}

void Supervisor::settle_drain() {
  const bool all = std::none_of(workers_.begin(), workers_.end(),
                                [](const auto& worker) { return worker->child != nullptr; });
  if (!all || !drained_) return;
  give_up_.stop();
  const auto done = std::exchange(drained_, nullptr);
  done(unclean_);
}

void Supervisor::stop() {
  started_ = nullptr;
  drained_ = nullptr;
  draining_ = true;
  const auto running = [](const auto& worker) { return worker->child != nullptr; };
  for (const auto& worker : workers_) {
    worker->timer.stop();
    if (worker->child) worker->child->signal(SIGKILL);
  }
  // Nothing survives that signal, and its end wakes the loop.
  while (std::any_of(workers_.begin(), workers_.end(), running))
    loop_.run_once();
  rounds_.clear();
}

// --- what they report ----------------------------------------------------------------------------

void Supervisor::refresh(std::function<void()> done) {
  const std::uint64_t number = ++last_round_;
  rounds_.emplace_back(loop_, [this, number] {
    const auto late = std::find_if(rounds_.begin(), rounds_.end(),
                                   [number](const Round& each) { return each.number == number; });
    if (late != rounds_.end()) finish(late);
  });
  Round& round = rounds_.back();
  round.number = number;
  round.done = std::move(done);
  for (const auto& worker : workers_) {
    const State state = worker->status.state;
    if (!worker->channel || (state != State::kLive && state != State::kDraining)) continue;
    if (worker->asked.size() >= kMostAsked) continue;  // late already
    worker->asked.push_back(number);
    worker->channel->send(WorkerChannel::kAsk);
    ++round.missing;
  }
  if (round.missing == 0) return finish(std::prev(rounds_.end()));
  round.timer.start(kReportLimit);
}

void Supervisor::take_answer(Worker& worker) {
  if (worker.asked.empty()) return;
  const std::uint64_t round = worker.asked.front();
  worker.asked.pop_front();
  answered(round);
}

void Supervisor::answered(std::uint64_t number) {
  const auto round = std::find_if(rounds_.begin(), rounds_.end(),
                                  [number](const Round& each) { return each.number == number; });
  if (round == rounds_.end() || --round->missing > 0) return;
  finish(round);
}

void Supervisor::finish(std::list<Round>::iterator round) {
  const auto done = std::move(round->done);
  rounds_.erase(round);
  done();
}

HostReport Supervisor::report() const {
  HostReport sum = host_->report();
  sum.process.limits.memory_bytes = 0;
  sum.process.descriptors_for_connections = 0;
  for (const auto& worker : workers_) {
    add_report(sum, worker->gone);
    add_report(sum, worker->last);
  }
  return sum;
}

std::vector<ServiceStatus> Supervisor::services() const {
  if (host_ == nullptr) return {};
  std::vector<ServiceStatus> services = report().services;
  host_->fill_accept_queues(services);
  return services;
}

ProcessStatus Supervisor::process() const {
  return host_ == nullptr ? ProcessStatus() : report().process;
}

LoadStatus Supervisor::load() const {
  if (host_ == nullptr) return {};
  LoadStatus load = report().load;
  fill_machine_load(load);
  for (const auto& worker : workers_) {
    const LoadStatus &gone = worker->gone.load, &last = worker->last.load;
    load.loops.push_back(
        {gone.busy_ns + last.busy_ns, gone.cpu_ns + last.cpu_ns, gone.queued_ns + last.queued_ns});
  }
  return load;
}

bool Supervisor::draining() const {
  return draining_ || (host_ != nullptr && host_->draining());
}

std::uint64_t Supervisor::open_connections() const {
  return host_ == nullptr ? 0 : report().load.open_connections;
}

std::string_view Supervisor::server_name() const {
  return host_ == nullptr ? std::string_view() : host_->server_name();
}

void Supervisor::write_metrics(std::string& out) const {
  if (host_ != nullptr) write_metrics_page(report(), workers(), options_.version, out);
}

std::vector<WorkerStatus> Supervisor::workers() const {
  std::vector<WorkerStatus> list;
  for (const auto& worker : workers_) {
    WorkerStatus status = worker->status;
    status.accepted = worker->gone.accepted + worker->last.accepted;
    status.turns = worker->gone.load.turns + worker->last.load.turns;
    status.active = worker->last.load.open_connections;
    status.resident_bytes = worker->last.resident_bytes;
    list.push_back(std::move(status));
  }
  return list;
}

}  // namespace polyport
