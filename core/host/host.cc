#include "core/host/host.h"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/base/assert.h"
#include "core/host/inherited.h"
#include "core/host/instance.h"
#include "core/host/load_status.h"
#include "core/host/metrics_page.h"
#include "core/host/opener.h"
#include "core/host/retrier.h"

namespace polyport {

namespace {

constexpr std::chrono::milliseconds kDrainStep{25};

std::uint64_t open_descriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 16;  // a guess on the safe side of a fresh process
  std::uint64_t count = 0;
  while (::readdir(directory) != nullptr)
    ++count;
  ::closedir(directory);
  return count;
}

// As many connections as descriptors are left for, with some kept back. 0 where nobody knows.
std::uint64_t connections_that_fit(std::uint64_t reserve) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const std::uint64_t taken = open_descriptors() + reserve;
  return limit.rlim_cur > taken + 1 ? limit.rlim_cur - taken : 1;
}

}  // namespace

struct Host::State {
  State(Loop& loop_, Log& log_, Events& events_, HostOptions options_)
      : loop(loop_),
        log(log_),
        events(events_),
        options(std::move(options_)),
        drain_timer(loop, [this] { drain_step(); }) {}

  // Makes the instances and finds out which ports they want.
  Errors plan(std::vector<ServicePlan> plans) {
    Errors errors;
    const Families families = probe_families();
    for (ServicePlan& plan : plans) {
      auto instance = std::make_unique<Instance>(std::move(plan), guard);
      Errors own;
      instance->plan_ports(families, own, notes);
      if (!own.empty() && instance->on_conflict() == OnConflict::kSkip) {
        instance->skip(own.front().text());
        log.warn({.event = "service_skipped",
                  .message = "left out: " + own.front().text(),
                  .service = instance->plan().name});
      } else {
        errors.insert(errors.end(), own.begin(), own.end());
      }
      instances.push_back(std::move(instance));
    }
    return errors;
  }

  Errors start_services(HostView& host, ExplainContext context) {
    network = std::make_unique<Network>(
        loop, log, events,
        Network::Options{.max_connections = options.max_connections,
                         .descriptors = connections_that_fit(options.reserve_descriptors),
                         .reserve = options.reserve_descriptors / 2});
    retrier = std::make_unique<Retrier>(loop, *network, log, events, std::move(context));
    Errors errors;
    for (auto& instance : instances) {
      auto started = instance->start(loop, *network, log, host, options.development_certificate);
      if (!started) errors.push_back(std::move(started.error()));
    }
    return errors;
  }

  // What was done instead of what was configured.
  void tell(const Opener& opener) {
    for (const Opener::Told& told : opener.told()) {
      log.warn({.event = told.event, .message = told.message, .service = told.service});
      if (told.note) notes.push_back(told.message);
    }
  }

  void drain_step() {
    const bool over = std::chrono::steady_clock::now() >= give_up;
    if (over) network->close_all(CloseReason::kDrain);
    if (network->drain_idle() == 0 || over) {
      finish_drain();
    } else {
      drain_timer.start(kDrainStep);
    }
  }

  void finish_drain() {
    drain_timer.stop();
    for (auto& instance : instances) {
      if (instance->state() == ServiceState::kDraining) instance->set_state(ServiceState::kStopped);
    }
    if (auto done = std::exchange(drained, nullptr)) done();
  }

  Loop& loop;
  Log& log;
  Events& events;
  HostOptions options;
  UdpGuard guard;
  std::vector<std::string> notes;
  std::vector<std::unique_ptr<Instance>> instances;  // outlive the network, which calls them
  std::unique_ptr<Network> network;
  std::unique_ptr<Retrier> retrier;
  Timer drain_timer;
  std::function<void()> drained;
  std::chrono::steady_clock::time_point give_up{};
  bool draining = false;
};

Host::Host(Loop& loop, Log& log, Events& events, HostOptions options)
    : state_(std::make_unique<State>(loop, log, events, std::move(options))) {}

Host::~Host() {
  stop();
}

StartFailure Host::start(std::vector<ServicePlan> plans, std::vector<InheritedSocket> inherited) {
  State& state = *state_;
  POLYPORT_ASSERT(!state.network);
  Errors errors = state.plan(std::move(plans));
  const Inheritance given(state.instances, inherited);
  errors.insert(errors.end(), given.errors().begin(), given.errors().end());
  for (const std::string& note : given.notes()) {
    state.notes.push_back(note);
    state.log.warn({.event = "socket_unused", .message = note});
  }
  Opener opener(state.instances, state.options);
  StartFailure failure = opener.open();
  failure.errors.insert(failure.errors.begin(), errors.begin(), errors.end());
  if (failure.empty()) failure.errors = state.start_services(*this, opener.context());
  if (!failure.empty()) {
    state.retrier.reset();
    if (state.network) state.network->shut_down();
    state.network.reset();
    state.instances.clear();
    return failure;
  }
  state.tell(opener);
  for (auto& instance : state.instances)
    instance->serve(*state.network);
  for (const Opener::Waiting& waiting : opener.waiting())
    state.retrier->add(waiting);
  return {};
}

const std::vector<std::string>& Host::notes() const {
  return state_->notes;
}

void Host::drain(std::function<void()> done) {
  State& state = *state_;
  POLYPORT_ASSERT(state.network && !state.draining);
  state.draining = true;
  state.drained = std::move(done);
  state.give_up = std::chrono::steady_clock::now() + state.options.shutdown_grace;
  state.retrier->stop();
  state.network->stop_accepting();
  for (auto& instance : state.instances)
    instance->stop();
  // From the timer, so that `done` never comes before drain() has returned.
  state.drain_timer.start(std::chrono::milliseconds(0));
}

void Host::stop() {
  State& state = *state_;
  if (!state.network) return;
  state.drain_timer.stop();
  state.retrier->stop();
  for (auto& instance : state.instances)
    instance->stop();
  state.network->shut_down();  // services are called from here, and may look at the host
  state.finish_drain();
  state.retrier.reset();
  state.network.reset();
}

std::vector<ServiceStatus> Host::services() const {
  std::vector<ServiceStatus> list;
  if (!state_->network) return list;
  const auto totals = state_->network->totals();
  for (const auto& instance : state_->instances)
    list.push_back(instance->status(totals));
  return list;
}

bool Host::draining() const {
  return state_->draining;
}

std::uint64_t Host::open_connections() const {
  return state_->network ? state_->network->open_connections() : 0;
}

std::string_view Host::server_name() const {
  return state_->options.server_name;
}

void Host::write_metrics(std::string& out) const {
  if (!state_->network) return;
  MetricsPage page{services(),
                   {},
                   state_->log.dropped(),
                   state_->network->turns(),
                   state_->network->descriptor_bursts(),
                   state_->options.version};
  for (const auto& instance : state_->instances) {
    instance->for_each_stream_door([&](const StreamDoor& door) {
      for (std::size_t i = 0; i < kCloseReasons; ++i) {
        if (door.closed[i] > 0) {
          page.closed.push_back({door.service, static_cast<CloseReason>(i), door.closed[i]});
        }
      }
    });
  }
  page.load = load();
  write_metrics_page(page, out);
}

LoadStatus Host::load() const {
  return state_->network ? load_of(*state_->network) : LoadStatus{};
}

}  // namespace polyport
