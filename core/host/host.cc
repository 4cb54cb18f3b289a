#include "core/host/host.h"

#include <dirent.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/units.h"
#include "core/host/inherited.h"
#include "core/host/instance.h"
#include "core/host/load_status.h"
#include "core/host/metrics_page.h"
#include "core/host/opener.h"
#include "core/host/retrier.h"
#include "core/host/share.h"
#include "core/observe/prometheus.h"
#include "core/socket/socket.h"

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
        guard(options.workers),
        drain_timer(loop, [this] { drain_step(); }) {}

  // Makes the instances with the ports that the supervisor has.
  Errors plan_worker(std::vector<ServicePlan> plans, const std::vector<HandedService>& handed) {
    Errors errors;
    std::size_t taken = 0;
    for (ServicePlan& plan : plans) {
      const auto own = std::find_if(handed.begin(), handed.end(),
                                    [&plan](const auto& each) { return each.name == plan.name; });
      if (own != handed.end() && own->here && !is_pinned(*plan.type, plan.values)) {
        share_limits(plan, options.workers);
      }
      auto instance = std::make_unique<Instance>(std::move(plan), guard);
      const bool fits = own != handed.end() && instance->take_over(*own);
      if (fits) ++taken;
      instances.push_back(std::move(instance));
    }
    if (taken != handed.size() || taken != instances.size()) {
      errors.push_back({ErrorCode::kConflict,
                        "the supervisor has other services than this configuration", "worker",
                        "stop polyport and start it again"});
    }
    return errors;
  }

  // What `hand_over` gives of the group that has this listener.
  template <class HandOver>
  std::vector<HandedService> hand_over_group(std::string_view listener, HandOver hand_over) const {
    for (const auto& instance : instances) {
      for (const PortGroup& group : std::as_const(*instance).groups()) {
        const bool has = std::any_of(group.ports.begin(), group.ports.end(),
                                     [listener](const Port& port) { return port.id == listener; });
        if (!has) continue;
        HandedService service{.name = instance->plan().name};
        service.groups.push_back(hand_over(*instance, group));
        return {std::move(service)};
      }
    }
    return {};
  }

  // Makes the instances and finds out which ports they want.
  Errors plan(std::vector<ServicePlan> plans) {
    Errors errors;
    const Families families = probe_families();
    for (ServicePlan& plan : plans) {
      auto instance = std::make_unique<Instance>(std::move(plan), guard);
      if (options.workers > 1 && !instance->plan().type->internal) {
        instance->serve_by_workers(options.workers);
      }
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
                         .per_second = options.max_new_connections_per_second,
                         .per_address = options.max_connections_per_address,
                         .max_queued = options.max_queued,
                         .memory_limit = options.memory_limit,
                         .descriptors = connections_that_fit(options.reserve_descriptors),
                         .reserve = options.reserve_descriptors / 2});
    retrier = std::make_unique<Retrier>(loop, *network, log, events, std::move(context));
    HostView& view = options.view != nullptr ? *options.view : host;
    Errors errors;
    for (auto& instance : instances) {
      auto started = instance->start(loop, *network, log, view, options);
      if (!started) errors.push_back(std::move(started.error()));
    }
    return errors;
  }

  // Nothing is left of what was begun.
  void take_back() {
    retrier.reset();
    if (network) network->shut_down();
    network.reset();
    instances.clear();
  }

  // What was done instead of what was configured.
  void tell(const Opener& opener) {
    for (const Opener::Told& told : opener.told()) {
      log.warn({.event = told.event, .message = told.message, .service = told.service});
      if (told.note) notes.push_back(told.message);
    }
  }

  // A limit that a process passes without any client would keep all of them out. One process tells
  // it and goes on. Of several it is an error: one worker's note would be read by nobody.
  void judge_memory_limit(Errors& errors) {
    const std::uint64_t at_rest = network->memory_bytes();
    if (options.workers == 1) {
      if (is_memory_for_clients(options.memory_limit, at_rest)) return;
      notes.push_back("memory_limit " + format_size(options.memory_limit) + too_little(at_rest));
      log.warn({.event = "memory_limit", .message = notes.back()});
      return;
    }
    // A worker has its share already. There are none yet where the supervisor starts, but each of
    // them will have at least what that has.
    const bool is_supervisor = options.view != nullptr;
    const std::uint64_t share =
        is_supervisor ? share_of(options.memory_limit, options.workers) : options.memory_limit;
    if (!is_memory_for_clients(share, at_rest)) {
      errors.push_back(share_too_small(share, at_rest, options.workers));
    }
  }

  // Of every service, without the accept queues.
  std::vector<ServiceStatus> figures() const {
    std::vector<ServiceStatus> list;
    if (!network) return list;
    const auto totals = network->totals();
    for (const auto& instance : instances)
      list.push_back(instance->status(totals));
    return list;
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
  failure.had_ports = failure.empty();
  if (failure.had_ports) failure.errors = state.start_services(*this, opener.context());
  if (failure.empty()) state.judge_memory_limit(failure.errors);
  if (!failure.empty()) {
    state.take_back();
    return failure;
  }
  state.tell(opener);
  for (auto& instance : state.instances)
    instance->serve(*state.network);
  for (const Opener::Waiting& waiting : opener.waiting())
    state.retrier->add(waiting);
  return {};
}

// --- worker processes ----------------------------------------------------------------------------

namespace {

void close_all(const HandedGroup& group) {
  for (const HandedPort& port : group.ports) {
    if (port.fd >= 0) sock::close(port.fd);
  }
}

}  // namespace

StartFailure Host::start_worker(std::vector<ServicePlan> plans,
                                const std::vector<HandedService>& handed) {
  State& state = *state_;
  POLYPORT_ASSERT(!state.network);
  StartFailure failure;
  failure.errors = state.plan_worker(std::move(plans), handed);
  if (failure.empty()) failure.errors = state.start_services(*this, {});
  if (failure.empty()) state.judge_memory_limit(failure.errors);
  if (!failure.empty()) {
    state.take_back();
    return failure;
  }
  for (auto& instance : state.instances)
    instance->serve(*state.network);
  return {};
}

void Host::open_handed(const std::vector<HandedService>& handed) {
  State& state = *state_;
  for (const HandedService& service : handed) {
    const auto own = std::find_if(
        state.instances.begin(), state.instances.end(),
        [&service](const auto& instance) { return instance->plan().name == service.name; });
    const bool wanted = own != state.instances.end() && !state.draining;
    for (const HandedGroup& group : service.groups) {
      if (!wanted || !(*own)->take_over(group, *state.network)) close_all(group);
    }
  }
}

void Host::foster(std::vector<HandedService> handed, int of_worker) {
  for (HandedService& service : handed) {
    for (auto& instance : state_->instances) {
      const bool here = instance->plan().name == service.name && !state_->draining;
      if (!here || instance->foster(service, of_worker, *state_->network)) continue;
      state_->log.error({.event = "listeners",
                         .message = "too many listeners: clients of worker " +
                                    std::to_string(of_worker) + " wait until it is back",
                         .service = service.name});
    }
    for (const HandedGroup& group : service.groups)
      close_all(group);
  }
}

void Host::give_back(int of_worker) {
  for (auto& instance : state_->instances)
    instance->give_back(of_worker);
}

std::vector<HandedService> Host::hand_over(int worker) const {
  std::vector<HandedService> handed;
  for (const auto& instance : state_->instances)
    handed.push_back(instance->hand_over(worker));
  return handed;
}

std::vector<HandedService> Host::hand_over(int worker, std::string_view listener) const {
  return state_->hand_over_group(listener, [worker](const Instance& instance, const auto& group) {
    return instance.hand_over(worker, group);
  });
}

std::vector<HandedService> Host::hand_over_to_foster(int worker) const {
  std::vector<HandedService> handed;
  for (const auto& instance : state_->instances)
    handed.push_back(instance->hand_over_to_foster(worker));
  return handed;
}

std::vector<HandedService> Host::hand_over_to_foster(int worker, std::string_view listener) const {
  return state_->hand_over_group(listener, [worker](const Instance& instance, const auto& group) {
    return instance.hand_over_to_foster(worker, group);
  });
}

// --- what it is and has done ---------------------------------------------------------------------

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
  std::vector<ServiceStatus> list = state_->figures();
  fill_accept_queues(list);
  return list;
}

void Host::fill_accept_queues(std::vector<ServiceStatus>& services) const {
  for (std::size_t i = 0; i < services.size(); ++i)
    state_->instances.at(i)->fill_accept_queues(services[i]);
}

ProcessStatus Host::process() const {
  if (!state_->network) return {};
  Network& network = *state_->network;
  const Network::Options& limits = network.options();
  return {.limits = {.connections = network.clients(),
                     .max_connections = limits.max_connections,
                     .queued_bytes = network.queued().bytes,
                     .max_queued = limits.max_queued,
                     .memory_bytes = network.memory_bytes(),
                     .memory_limit = limits.memory_limit},
          .descriptors_for_connections = limits.descriptors};
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

HostReport Host::report() const {
  HostReport report;
  if (!state_->network) return report;
  report.services = state_->figures();
  report.log_dropped = state_->log.dropped();
  for (const ServiceStatus& service : report.services) {
    for (const ListenerStatus& listener : service.listeners) {
      if (listener.transport != Transport::kUdp) report.accepted += listener.accepted;
    }
  }
  report.process = process();
  report.load = loop_load(*state_->network);
  report.resident_bytes = resident_bytes().value_or(0);
  return report;
}

void Host::write_metrics(std::string& out) const {
  if (!state_->network) return;
  write_metrics_page(report(), {}, state_->options.version, out);
}

LoadStatus Host::load() const {
  if (!state_->network) return {};
  LoadStatus load = loop_load(*state_->network);
  fill_machine_load(load);
  return load;
}

}  // namespace polyport
