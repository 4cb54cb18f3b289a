#include "app/commands/run.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "app/activation.h"
#include "app/build_info.h"
#include "app/commands/check.h"
#include "app/commands/exit_code.h"
#include "app/narrator.h"
#include "app/networks.h"
#include "app/output.h"
#include "app/presence.h"
#include "app/process.h"
#include "app/ready.h"
#include "app/report.h"
#include "app/state_dir.h"
#include "app/table.h"
#include "app/terminal.h"
#include "app/types.h"
#include "app/watch.h"
#include "app/worker_notes.h"
#include "app/worker_setup.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/host/host.h"
#include "core/host/supervisor.h"
#include "core/host/tls_plan.h"
#include "core/loop/signal.h"
#include "core/ports/judge_words.h"

namespace polyport {
namespace {

using Clock = std::chrono::steady_clock;

// Tells the socket calls of a scope on the terminal.
class Narration {
 public:
  explicit Narration(Terminal& terminal) : terminal_(terminal) {
    sock::set_trace(
        [](void* self, const sock::Call& call) {
          auto* const narration = static_cast<Narration*>(self);
          narration->terminal_.write(narration->narrator_.tell(call));
        },
        this);
  }
  ~Narration() { sock::set_trace(nullptr, nullptr); }
  Narration(const Narration&) = delete;
  Narration& operator=(const Narration&) = delete;

 private:
  Terminal& terminal_;
  Narrator narrator_;
};

// "14 of 14 ports are taken", then all about it.
std::string failure_text(const StartFailure& failure) {
  const auto all = [&failure](Verdict verdict) {
    return std::all_of(
        failure.explanations.begin(), failure.explanations.end(),
        [verdict](const Explanation& explanation) { return explanation.verdict == verdict; });
  };
  const bool one = failure.failed_ports == 1;
  std::string text = "polyport: nothing started: " + std::to_string(failure.failed_ports) + " of " +
                     std::to_string(failure.wanted_ports) +
                     (failure.wanted_ports == 1 ? " port " : " ports ");
  if (all(Verdict::kTaken)) {
    text += one ? "is taken" : "are taken";
  } else if (all(Verdict::kForbidden)) {
    text += one ? "is not permitted" : "are not permitted";
  } else {
    text += "cannot be had";
  }
  return text + "\n\n" + explanations_text(failure.explanations) + aside(where_we_look_from());
}

int exit_code(const StartFailure& failure) {
  const bool permissions =
      std::all_of(failure.errors.begin(), failure.errors.end(),
                  [](const Error& error) { return error.code == ErrorCode::kNotPermitted; }) &&
      std::all_of(failure.explanations.begin(), failure.explanations.end(),
                  [](const Explanation& explanation) {
                    return explanation.verdict == Verdict::kForbidden;
                  });
  if (permissions) return kExitNotPermitted;
  return failure.had_ports ? kExitFailed : kExitCannotBind;
}

// One run of the server, from the checked configuration to the exit code.
class Server {
 public:
  Server(const RunOptions& options, Configuration configuration,
         std::optional<DevelopmentCertificate> certificate, Log& log, Clock::time_point began)
      : options_(options),
        worker_notes_(worker_notes(configuration.workers, configuration.plans)),
        plans_(std::move(configuration.plans)),
        grace_(configuration.host.shutdown_grace),
        certificate_(std::move(certificate)),
        log_is_read_(options.talk != RunOptions::Talk::kJson &&
                     configuration.log.target == "stderr" &&
                     configuration.log.format == Log::Format::kText),
        log_(log),
        began_(began),
        terminal_(loop_, STDOUT_FILENO),
        supervisor_(make_supervisor(configuration)),
        host_(loop_, log, events_, std::move(configuration.host)),
        view_(supervisor_ ? static_cast<HostView&>(*supervisor_) : host_),
        presence_(view_, events_, log, Notifier::from_environment()),
        stop_signals_(loop_, [this](int number) { drain(number); }) {
    for (const int number : {SIGHUP, SIGUSR1, SIGUSR2}) {
      ignored_.push_back(
          std::make_unique<Signal>(loop_, number, [this, number] { tell_ignored(number); }));
    }
    if (options.talk == RunOptions::Talk::kNarrate) {
      narration_ = std::make_unique<Narration>(terminal_);
    }
  }

  int run(std::vector<InheritedSocket> inherited) {
    const StartFailure failure = host_.start(std::move(plans_), std::move(inherited));
    if (!failure.empty()) return not_started(failure);
    if (supervisor_) {
      supervisor_->start(host_, [this](Errors errors) { workers_started(std::move(errors)); });
    } else {
      started();
    }
    if (exit_code_ == kExitOk) loop_.run();
    if (exit_code_ == kExitOk) log_.info({"stopped"});
    return exit_code_;
  }

 private:
  std::unique_ptr<Supervisor> make_supervisor(Configuration& configuration) {
    if (configuration.workers.count == 1) return nullptr;
    auto supervisor = std::make_unique<Supervisor>(
        loop_, log_, events_,
        SupervisorOptions{
            .workers = configuration.workers.count,
            // Whatever has become of the file we were started from, this is the same program.
            .program = {.file = "/proc/self/exe", .arguments = {"polyport", "worker"}},
            .configuration = worker_setup_text(
                {.configuration = configured_as(options_.configuration, configuration.source),
                 .development_certificate = configuration.host.development_certificate}),
            .version = configuration.host.version,
            .grace = configuration.host.shutdown_grace});
    configuration.host.workers = configuration.workers.count;
    configuration.host.view = supervisor.get();
    return supervisor;
  }

  static ConfigurationOptions configured_as(ConfigurationOptions options, const Source& source) {
    options.source = source;
    return options;
  }

  void workers_started(Errors errors) {
    if (errors.empty()) {
      // With their figures, memory above all; asked for, they come at once.
      return supervisor_->refresh([this] {
        if (!view_.draining()) started();
      });
    }
    exit_code_ = not_started({.errors = std::move(errors), .explanations = {}, .had_ports = true});
    loop_.stop();
  }

  void started() {
    const Errors unheard = announce();
    if (unheard.empty()) return;
    print_findings(stderr, unheard);
    exit_code_ = kExitFailed;
    loop_.stop();
  }

  int not_started(const StartFailure& failure) {
    for (const Explanation& explanation : failure.explanations) {
      if (log_is_read_) break;  // by the person who reads the same below
      log_.error({.event = "bind_failed",
                  .message = explanation.text,
                  .service = explanation.attempt.service});
    }
    if (options_.talk == RunOptions::Talk::kJson) {
      if (!write_output(explanations_json(failure.explanations))) unwritten();
    } else if (!failure.explanations.empty()) {
      std::fputs(failure_text(failure).c_str(), stderr);
    }
    print_findings(stderr, failure.errors);
    if (failure.explanations.empty()) {
      std::fprintf(stderr, "polyport: nothing was started: %zu error%s\n", failure.errors.size(),
                   failure.errors.size() == 1 ? "" : "s");
    }
    return exit_code(failure);
  }

  // Says that everything is open: to the log, to whoever asked for the ready line, to the person.
  Errors announce() {
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began_);
    // Who sees the table need not read it twice.
    const bool json = options_.talk == RunOptions::Talk::kJson;
    const bool quiet = options_.talk == RunOptions::Talk::kQuiet || json;
    log_.write(quiet ? LogLevel::kInfo : LogLevel::kDebug, {"ready", "in " + human_duration(took)});
    if (!quiet) show_table(took);
    if (quiet && certificate_) {
      for (const std::string& note : trust_notes(*certificate_, ca_command()))
        log_.info({.event = "development_ca", .message = note});
    }
    Errors errors;
    const auto keep_error = [&errors](Result<void> result) {
      if (!result) errors.push_back(std::move(result.error()));
    };
    const bool wanted = json || options_.ready_fd.has_value() || !options_.ready_file.empty();
    const std::string line = wanted ? ready_line(view_) : std::string();
    presence_.publish();
    if (json) write_all(STDOUT_FILENO, line);
    if (options_.ready_fd) keep_error(write_ready_fd(*options_.ready_fd, line));
    if (!options_.ready_file.empty()) keep_error(write_ready_file(options_.ready_file, line));
    if (errors.empty()) presence_.ready();
    return errors;
  }

  void show_table(std::chrono::milliseconds took) {
    const Paint paint = Terminal::paint(STDOUT_FILENO);
    const std::vector<ServiceStatus> services = view_.services();
    const std::vector<Address> networks = network_addresses();
    std::vector<std::string> notes = host_.notes();
    notes.insert(notes.end(), worker_notes_.begin(), worker_notes_.end());
    if (certificate_) {
      for (std::string& note : trust_notes(*certificate_, ca_command()))
        notes.push_back(std::move(note));
    }
    std::string text = start_table({.version = version(),
                                    .pid = ::getpid(),
                                    .workers = view_.workers().size(),
                                    .services = services,
                                    .types = all_types(),
                                    .notes = notes,
                                    .networks = networks},
                                   paint);
    text += "\nready in " + human_duration(took) + ".";
    if (Terminal::is_terminal(STDOUT_FILENO)) {
      text += supervisor_ ? " Ctrl-C stops."
                          : " Every connection shows below (--quiet hides it). Ctrl-C stops.";
      watch_ = std::make_unique<Watch>(loop_, events_, terminal_, paint);
    }
    terminal_.write(text + "\n");
  }

  std::string ca_command() const { return command_for("ca", options_.configuration); }

  void tell_draining(int number) {
    const std::uint64_t open = view_.open_connections();
    log_.info({.event = "draining",
               .message = std::to_string(open) + (open == 1 ? " connection" : " connections") +
                          " may finish within " + format_duration(grace_) +
                          "; a second signal ends at once",
               .reason = number == SIGINT ? "SIGINT" : "SIGTERM"});
    presence_.draining();
  }

  void drain(int number) {
    if (!supervisor_) {
      tell_draining(number);
      return host_.drain([this] { loop_.stop(); });
    }
    // Each worker is asked before it is told to drain: what is open now, and not when a page was
    // last shown.
    supervisor_->refresh([this, number] { tell_draining(number); });
    // In this order: the host lets go of the sockets first, so that whoever still comes is a
    // worker's to take.
    host_.drain([this] { drained(); });
    supervisor_->drain([this](std::size_t unclean) {
      if (unclean > 0) exit_code_ = kExitFailed;
      drained();
    });
  }

  // Both the host and the workers are.
  void drained() {
    if (++drained_ == 2) loop_.stop();
  }

  void tell_ignored(int number) {
    log_.warn({.event = "signal_ignored",
               .message = "this version cannot reload; stop it and start it again",
               .reason = number == SIGHUP    ? "SIGHUP"
                         : number == SIGUSR1 ? "SIGUSR1"
                                             : "SIGUSR2"});
  }

  const RunOptions& options_;
  std::vector<std::string> worker_notes_;
  std::vector<ServicePlan> plans_;
  const std::chrono::milliseconds grace_;
  const std::optional<DevelopmentCertificate> certificate_;
  const bool log_is_read_;  // where the errors of the start are printed too
  Log& log_;
  const Clock::time_point began_;
  // What stands below ends before what stands above it; the loop last.
  Loop loop_;
  Events events_;
  Terminal terminal_;
  std::unique_ptr<Narration> narration_;
  std::unique_ptr<Watch> watch_;
  std::unique_ptr<Supervisor> supervisor_;  // where there are several workers
  Host host_;
  HostView& view_;
  Presence presence_;
  StopSignals stop_signals_;
  int drained_ = 0;
  int exit_code_ = kExitOk;
  std::vector<std::unique_ptr<Signal>> ignored_;
};

// A --ready-fd that cannot be written to is found before any port is open: its number would go to a
// socket. errno says why.
bool is_writable(std::optional<int> fd) {
  if (!fd) return true;
  const int flags = ::fcntl(*fd, F_GETFL);
  if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) errno = EBADF;
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return false;
  // Whoever waits for the end of what we write must not wait for the worker processes too.
  if (*fd > STDERR_FILENO) ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
  return true;
}

bool is_inherited(int fd, const std::vector<InheritedSocket>& inherited) {
  return std::any_of(inherited.begin(), inherited.end(),
                     [fd](const InheritedSocket& socket) { return socket.fd == fd; });
}

// Whether it has a TLS endpoint, and names no certificate for it.
bool uses_development_tls(const ServicePlan& plan) {
  return wants_tls(plan) && plan.values.text("tls.cert").empty() &&
         plan.values.value("tls.certificates").texts.empty();
}

// A place that was asked for and cannot be had is told once; the default one is not worth a word
// while nobody writes to it.
void warn_of_state_dir(const std::string& configured, Log& log) {
  const Result<void> usable = check_state_dir(state_dir_path(configured));
  if (usable) return;
  const std::string message =
      usable.error().where + ": " + usable.error().what + "; what services keep stays in memory";
  log.warn({.event = "state_in_memory", .message = message});
}

}  // namespace

int run_command(const RunOptions& options) {
  const Clock::time_point began = Clock::now();
  if (!is_writable(options.ready_fd)) {
    std::fprintf(stderr,
                 "polyport run: --ready-fd %d: %s (pass a descriptor that is open for writing)\n",
                 *options.ready_fd, std::strerror(errno));
    return kExitUsage;
  }
  Configuration configuration = load_configuration(options.configuration);
  if (options.purpose == RunOptions::Purpose::kCheck) return print_check(configuration);
  configuration.host.run_command = start_command(options.configuration);
  configuration.host.offset = options.configuration.offset;
  print_findings(stderr, configuration.usage);
  print_findings(stderr, configuration.errors, configuration.warnings);
  if (!configuration.usage.empty()) return kExitUsage;
  if (!configuration.errors.empty()) {
    std::fprintf(
        stderr, "polyport: nothing was started: %s\n",
        count_findings(configuration.errors.size(), configuration.warnings.size()).c_str());
    return kExitNo;
  }

  auto inherited = take_inherited_sockets();
  if (!inherited) {
    print_findings(stderr, {inherited.error()});
    return kExitUsage;
  }
  if (options.ready_fd && is_inherited(*options.ready_fd, *inherited)) {
    std::fprintf(stderr,
                 "polyport run: --ready-fd %d is one of the sockets that were passed to us "
                 "(LISTEN_FDS)\n",
                 *options.ready_fd);
    return kExitUsage;
  }
  raise_descriptor_limit();
  const auto log = Log::open(configuration.log);
  if (!log) {
    print_findings(stderr, {log.error()});
    return log.error().code == ErrorCode::kNotPermitted ? kExitNotPermitted : kExitFailed;
  }
  if (!configuration.state_dir.empty()) warn_of_state_dir(configuration.state_dir, **log);
  std::optional<DevelopmentCertificate> certificate;
  if (configuration.development_tls.automatic &&
      std::any_of(configuration.plans.begin(), configuration.plans.end(), uses_development_tls)) {
    auto made = development_certificate(state_dir_path(configuration.state_dir),
                                        configuration.development_tls);
    if (!made) {
      print_findings(stderr, {made.error()});
      return made.error().code == ErrorCode::kNotPermitted ? kExitNotPermitted : kExitFailed;
    }
    certificate = std::move(*made);
    configuration.host.development_certificate = TlsFiles{.certificate = certificate->chain_path,
                                                          .key = certificate->key_path,
                                                          .where = "[server.tls] auto"};
  }
  return Server(options, std::move(configuration), std::move(certificate), **log, began)
      .run(std::move(*inherited));
}

}  // namespace polyport
