#include "app/commands/worker.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>

#include "app/commands/exit_code.h"
#include "app/configuration.h"
#include "app/process.h"
#include "app/publish.h"
#include "app/worker_setup.h"
#include "core/base/digest.h"
#include "core/base/json_value.h"
#include "core/base/text.h"
#include "core/host/host.h"
#include "core/host/share.h"
#include "core/host/worker_channel.h"
#include "core/loop/child.h"
#include "core/socket/passing.h"

namespace polyport {
namespace {

// Descriptors that came with a message: closed with this where nobody has taken them over.
class Received {
 public:
  explicit Received(std::vector<int> descriptors) : descriptors_(std::move(descriptors)) {}
  ~Received() {
    for (const int fd : descriptors_)
      ::close(fd);
  }
  Received(const Received&) = delete;
  Received& operator=(const Received&) = delete;

  const std::vector<int>& all() const { return descriptors_; }
  void release() { descriptors_.clear(); }

 private:
  std::vector<int> descriptors_;
};

// From the channel to the exit code.
class WorkerProcess {
 public:
  explicit WorkerProcess(int channel)
      : channel_(
            loop_, channel,
            {.on_message = [this](WorkerChannel::Message message) { hear(std::move(message)); },
             .on_lost = [this](std::string_view word) { miss(word); },
             .on_end = [this] { lose_supervisor(); }}),
        stop_signals_(loop_, [this](int) { leave(); }) {}

  int run() {
    loop_.run();
    if (log_ && exit_code_ == kExitOk) log_->info({"stopped"});
    return exit_code_;
  }

 private:
  void hear(WorkerChannel::Message message) {
    Received sockets(std::move(message.descriptors));
    if (message.word == WorkerChannel::kSetUp && !host_) {
      set_up(message.body, sockets);
    } else if (message.word == WorkerChannel::kOpened && host_) {
      take_opened(message.body, sockets);
    } else if (message.word == WorkerChannel::kFoster && host_) {
      foster(message.body, sockets);
    } else if (message.word == WorkerChannel::kGiveBack && host_) {
      if (const auto worker = parse_number<int>(message.body)) host_->give_back(*worker);
    } else if (message.word == WorkerChannel::kAsk) {
      report();
    } else if (message.word == WorkerChannel::kDrain) {
      drain();
    }
  }

  // There are too few descriptors left for what came with it.
  void miss(std::string_view word) {
    const std::string_view why = "no descriptors are left for the sockets";
    if (word == WorkerChannel::kSetUp) {
      return fail({{ErrorCode::kSystem, std::string(why) + " that the worker is to serve", "worker",
                    "raise the limit of open files (ulimit -n, LimitNOFILE)"}});
    }
    if (!log_) return;
    const std::string_view what = word == WorkerChannel::kFoster
                                      ? "the worker cannot serve in place of another one"
                                      : "the worker does not serve a port that is open now";
    log_->error({.event = "descriptors", .message = std::string(what) + ": " + std::string(why)});
  }

  // Without a descriptor for a large one the supervisor shows the figures that it has.
  void report() {
    const std::string text = host_ ? report_text(host_->report()) : std::string();
    if (!channel_.try_send(WorkerChannel::kReport, text)) channel_.send(WorkerChannel::kReport);
  }

  // The supervisor is this very program: what it says cannot be wrong unless one of us is broken.
  void set_up(std::string_view body, Received& sockets) {
    const auto json = JsonValue::parse(body);
    const auto integer = [&json](std::string_view key) {
      const JsonValue* const value = json ? json->find(key) : nullptr;
      return value == nullptr ? std::nullopt : value->integer();
    };
    const auto worker = integer("worker");
    const auto workers = integer("workers");
    const JsonValue* const configuration = json ? json->find("configuration") : nullptr;
    const JsonValue* const services = json ? json->find("services") : nullptr;
    const auto setup = configuration == nullptr ? std::nullopt : read_worker_setup(*configuration);
    const auto handed =
        services == nullptr ? std::nullopt : read_handover(*services, sockets.all());
    if (!worker || !workers || !setup || !handed) {
      return fail({{ErrorCode::kSystem, "the worker cannot understand its supervisor", "worker",
                    "stop polyport and start it again"}});
    }
    sockets.release();
    set_program_secret(std::string(json->text_of("secret")));
    // It may have ended before the kernel was told to end us with it.
    if (integer("parent") != ::getppid()) return lose_supervisor();
    start(static_cast<int>(*worker), static_cast<int>(*workers), *setup, *handed);
  }

  void start(int worker, int workers, const WorkerSetup& setup,
             const std::vector<HandedService>& handed) {
    set_worker_number(worker);
    Configuration configuration = load_configuration(setup.configuration);
    if (!configuration.ok()) return fail(configuration.errors);
    configuration.log.worker = std::to_string(worker);
    auto log = Log::open(configuration.log);
    if (!log) return fail({log.error()});
    log_ = std::move(*log);
    HostOptions& options = configuration.host;
    options.workers = workers;
    for (std::uint64_t* const limit :
         {&options.max_connections, &options.max_new_connections_per_second, &options.max_queued,
          &options.memory_limit}) {
      *limit = share_of(*limit, workers);
    }
    options.development_certificate = setup.development_certificate;
    host_ = std::make_unique<Host>(loop_, *log_, events_, std::move(options));
    const StartFailure failure = host_->start_worker(std::move(configuration.plans), handed);
    if (!failure.empty()) return fail(failure.errors);
    publish();
    channel_.send(WorkerChannel::kReady);
  }

  void fail(const Errors& errors) {
    channel_.send(WorkerChannel::kFailed, handed_errors(errors));
    exit_code_ = kExitFailed;
    loop_.stop();
  }

  void take_opened(std::string_view body, Received& sockets) {
    const auto json = JsonValue::parse(body);
    const auto handed = json ? read_handover(*json, sockets.all()) : std::nullopt;
    if (!handed) return;
    sockets.release();
    host_->open_handed(*handed);
    publish();
  }

  void foster(std::string_view body, Received& sockets) {
    const auto json = JsonValue::parse(body);
    const JsonValue* const worker = json ? json->find("worker") : nullptr;
    const JsonValue* const services = json ? json->find("services") : nullptr;
    const auto handed =
        services == nullptr ? std::nullopt : read_handover(*services, sockets.all());
    const auto number = worker == nullptr ? std::nullopt : worker->integer();
    if (!handed || !number) return;
    sockets.release();
    host_->foster(*handed, static_cast<int>(*number));
  }

  // So that `explain` and `ports` know whose worker this is, and its services.
  void publish() {
    static_cast<void>(published_.publish(published_text(host_->services(), ::getppid())));
  }

  // Who comes from now on must not wait for the next process: another worker is to serve them.
  void leave() {
    if (host_ && !host_->draining()) channel_.send(WorkerChannel::kDrain);
    drain();
  }

  void drain() {
    if (!host_) return loop_.stop();
    if (host_->draining()) return;
    host_->drain([this] { loop_.stop(); });
  }

  // Whoever starts polyport again must find the ports free.
  [[noreturn]] void lose_supervisor() { ::_exit(kExitFailed); }

  int exit_code_ = kExitOk;
  // What stands below ends before what stands above it; the loop last.
  Loop loop_;
  std::unique_ptr<Log> log_;
  Events events_;
  std::unique_ptr<Host> host_;
  PublishedServices published_;
  WorkerChannel channel_;
  StopSignals stop_signals_;
};

}  // namespace

int run_command(const WorkerOptions&) {
  if (!sock::is_channel(Child::kChannel)) {
    std::fputs(
        "polyport worker: this is what `polyport run` starts where [server] workers is more "
        "than 1; it is nothing to be typed\n",
        stderr);
    return kExitUsage;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "polyport");
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2})
    ::signal(number, SIG_IGN);  // the supervisor tells about them
  return WorkerProcess(Child::kChannel).run();
}

}  // namespace polyport
