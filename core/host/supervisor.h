// Supervisor: the processes that serve, seen and held together by the one that was started.
//
// Starts each worker and hands it its sockets, starts it again when it has died, adds up what all
// of them report, and drains them as one. The sockets are the host's, which keeps them over a
// worker's death: whoever waits in an accept queue is served by the next process.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/base/backoff.h"
#include "core/host/host.h"
#include "core/host/worker_channel.h"
#include "core/loop/child.h"
#include "core/loop/timer.h"

namespace polyport {

struct SupervisorOptions {
  int workers = 2;
  Child::Program program;
  std::string configuration;  // a JSON text that each worker is told beside its sockets
  std::string version;
  std::chrono::milliseconds grace{5000};  // as the host's
  // A worker that lived so long begins again with the shortest delay.
  std::chrono::milliseconds steady{10'000};
  std::chrono::milliseconds first_delay{100};
  std::chrono::milliseconds longest_delay{30'000};
};

class Supervisor final : public HostView, private EventSink {
 public:
  Supervisor(Loop& loop, Log& log, Events& events, SupervisorOptions options);
  ~Supervisor() override;  // stop()

  // Once `host` has its sockets open: starts every worker, and calls `started` once, from the loop:
  // without errors when all of them serve, else with those of the first that cannot.
  void start(Host& host, std::function<void(Errors)> started);
  // The host is draining already. Lets each worker finish its open work; `done` comes when all are
  // gone, with the number of those that had to be ended or did not leave as they should.
  void drain(std::function<void(std::size_t unclean)> done);
  // Ends every worker now and waits for it, running the loop.
  void stop();

  std::vector<ServiceStatus> services() const override;
  ProcessStatus process() const override;
  LoadStatus load() const override;
  bool draining() const override;
  std::uint64_t open_connections() const override;
  std::string_view server_name() const override;
  void write_metrics(std::string& out) const override;
  std::vector<WorkerStatus> workers() const override;
  void refresh(std::function<void()> done) override;

 private:
  using State = WorkerStatus::State;
  // Figures that were asked for together.
  struct Round {
    Round(Loop& loop, std::function<void()> late) : timer(loop, std::move(late)) {}
    std::uint64_t number = 0;
    std::size_t missing = 0;
    std::function<void()> done;
    Timer timer;
  };
  struct Worker {
    Worker(Loop& loop, const SupervisorOptions& options, std::function<void()> on_time)
        : backoff(options.first_delay, options.longest_delay), timer(loop, std::move(on_time)) {}
    WorkerStatus status;
    std::unique_ptr<Child> child;
    std::unique_ptr<WorkerChannel> channel;
    Backoff backoff;
    Timer timer;  // until it is started again; or ended, where it should have left by itself
    std::uint64_t born_ms = 0;
    Worker* foster = nullptr;        // who serves in its place
    HostReport last;                 // of the process that runs, as far as it was heard
    HostReport gone;                 // counted by those before it
    Errors errors;                   // why it could not start
    std::list<std::uint64_t> asked;  // the rounds it has not answered yet
  };

  void spawn(Worker& worker);
  void set_up(Worker& worker);
  void heard(Worker& worker, WorkerChannel::Message message);
  void went_silent(Worker& worker);
  // It takes no new clients any more, but may have some still.
  void step_aside(Worker& worker);
  // Gives each worker whose clients nobody takes another one that serves in its place.
  void find_fosters();
  void find_foster(Worker& worker);
  bool ask_to_foster(Worker& foster, const Worker& worker,
                     const std::vector<HandedService>& sockets);
  void end_fostering(Worker& worker);
  void exited(Worker& worker, int exit_code, int signal);
  void time_is_up(Worker& worker);
  void tell_end(const Worker& worker, bool clean, std::chrono::milliseconds delay);
  void settle_start();
  void settle_drain();
  void take_answer(Worker& worker);
  void answered(std::uint64_t round);
  void finish(std::list<Round>::iterator round);
  HostReport report() const;
  void on_listening(const Listening& event) override;
  double random() { return std::uniform_real_distribution<double>()(random_); }

  Loop& loop_;
  Log& log_;
  Events& events_;
  const SupervisorOptions options_;
  Host* host_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::list<Round> rounds_;
  std::uint64_t last_round_ = 0;
  std::function<void(Errors)> started_;
  std::function<void(std::size_t)> drained_;
  bool draining_ = false;
  std::size_t unclean_ = 0;
  Timer give_up_;
  std::minstd_rand random_;
};

}  // namespace polyport
