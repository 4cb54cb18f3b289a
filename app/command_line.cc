#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "app/exit_code.h"
#include "core/base/units.h"

namespace polyport {
namespace {

// The text of an option that takes a duration with its unit.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& target,
                          const std::string& help) {
  const auto read = [&target, name](const std::string& text) {
    const auto duration = parse_duration(text);
    if (!duration) {
      const std::string hint =
          duration.error().hint.empty() ? "" : " (" + duration.error().hint + ")";
      throw CLI::ValidationError(name, duration.error().what + hint);
    }
    target = *duration;
  };
  return app.add_option_function<std::string>(name, read, help)->type_name("DURATION");
}

void add_set(CLI::App& app, ConfigurationOptions& configuration) {
  app.add_option("--set", configuration.set, "override a value: services.web.listen=localhost:8081")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
}

// All commands with the structs they fill.
class Parser {
 public:
  Parser() : app_("One process, one event loop, many small services, each on its own ports.") {
    app_.name("polyport");
    app_.footer(
        "polyport run                      the demo: eight services on ports 8080 and 10007 ...\n"
        "polyport run http:8080 echo:7777  these two, without a file\n"
        "polyport COMMAND --help           more about one command");
    app_.get_formatter()->column_width(24);
    app_.require_subcommand(0, 1);
    app_.failure_message([](const CLI::App* app, const CLI::Error& error) {
      return app->get_name() + ": " + error.what() + "\n" + app->get_name() +
             " --help says what can be typed\n";
    });
    app_.add_flag("--version", version_, "the version; with --verbose what is in it");
    app_.add_flag("--verbose", verbose_)->needs("--version")->group("");
    add_run();
    add_check();
    add_services();
    add_connect();
    add_healthcheck();
  }

  CommandLine parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const bool helped = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
      app_.exit(error);  // prints
      return {{}, code(helped ? ExitCode::kOk : ExitCode::kUsage)};
    }
    return chosen();
  }

 private:
  CommandLine chosen() {
    if (run_command_->parsed()) return {run_};
    if (check_command_->parsed()) return {check_};
    if (services_command_->parsed()) return {services_};
    if (connect_command_->parsed()) return {connect_};
    if (healthcheck_command_->parsed()) return {healthcheck_};
    if (version_) {
      using Detail = VersionOptions::Detail;
      return {VersionOptions{verbose_ ? Detail::kVerbose : Detail::kShort}};
    }
    std::fputs(app_.help().c_str(), stderr);
    return {{}, code(ExitCode::kUsage)};
  }

  void add_run() {
    CLI::App& run = *app_.add_subcommand("run", "start the services of a configuration");
    run_command_ = &run;
    run.add_option("WHAT", run_.configuration.what,
                   "a configuration file, \"-\" for standard input, or services as "
                   "TYPE[@NAME]:ENDPOINT; without it the demo");
    run.add_option("--only", run_.configuration.only, "start only these services")
        ->type_name("NAME,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    run.add_option("--offset", run_.configuration.offset, "add N to every port from 1024 up")
        ->type_name("N")
        ->check(CLI::Range(0, 64511));
    add_set(run, run_.configuration);
    CLI::Option* const quiet = run.add_flag_callback(
        "--quiet", [this] { run_.talk = RunOptions::Talk::kQuiet; }, "print nothing but the log");
    run.add_flag_callback(
           "--narrate", [this] { run_.talk = RunOptions::Talk::kNarrate; },
           "tell the life of every port, system call by system call")
        ->excludes(quiet);
    run.add_flag_callback(
        "--check", [this] { run_.purpose = RunOptions::Purpose::kCheck; },
        "check the configuration and start nothing");
    run.add_option("--ready-fd", run_.ready_fd, "write one JSON line there when all is open")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber);
    run.add_option("--ready-file", run_.ready_file, "the same, into a file")->type_name("PATH");
  }

  void add_check() {
    CLI::App& check = *app_.add_subcommand("check", "find every mistake in a configuration");
    check_command_ = &check;
    check.add_option("CONFIG", check_.configuration.what,
                     "a configuration file, or \"-\" for standard input; without it the demo");
    add_set(check, check_.configuration);
    check.footer("Exit code 0: clean. 1: errors. 2: no such file.");
  }

  void add_services() {
    CLI::App& services = *app_.add_subcommand("services", "list the services and their options");
    services_command_ = &services;
    services.add_option("TYPE", services_.type, "the options of this one");
    services.add_flag_callback(
        "--json", [this] { services_.format = ServicesOptions::Format::kJson; }, "as JSON");
  }

  void add_connect() {
    CLI::App& connect = *app_.add_subcommand("connect", "talk to a port, and see what happens");
    connect_command_ = &connect;
    connect.add_option("TARGET", connect_.target, "HOST:PORT, udp://HOST:PORT or unix:PATH")
        ->required();
    connect.add_option("--bind", connect_.bind, "the local address, or :PORT")
        ->type_name("ADDRESS:PORT");
    connect.add_flag("--hold", connect_.hold, "keep the connection open when the input ends");
    connect.add_option("--count", connect_.count, "open N connections")->type_name("N");
    add_duration(connect, "--wait", connect_.wait, "stop after this time without an answer");
    connect.add_flag("--crlf", connect_.crlf, "end lines with CR LF");
    connect.add_flag("--hex", connect_.hex, "show the bytes as numbers");
  }

  void add_healthcheck() {
    CLI::App& health =
        *app_.add_subcommand("healthcheck", "ask a running server whether it is well");
    healthcheck_command_ = &health;
    health.add_option("URL", healthcheck_.url, "the page to ask")->capture_default_str();
    add_duration(health, "--timeout", healthcheck_.timeout, "give up after this time");
    health.footer("Exit code 0: well. 1: not.");
  }

  CLI::App app_;
  CLI::App* run_command_ = nullptr;
  CLI::App* check_command_ = nullptr;
  CLI::App* services_command_ = nullptr;
  CLI::App* connect_command_ = nullptr;
  CLI::App* healthcheck_command_ = nullptr;
  bool version_ = false;
  bool verbose_ = false;
  RunOptions run_;
  CheckOptions check_;
  ServicesOptions services_;
  ConnectOptions connect_;
  HealthcheckOptions healthcheck_;
};

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace polyport
