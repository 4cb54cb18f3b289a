#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "app/commands/exit_code.h"
#include "app/output.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/ports/port_number.h"

namespace polyport {
namespace {

// Help that fits a screen of 80 columns and 24 lines: usage, then one aligned list.
class Help final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    const bool top = app->get_parent() == nullptr;
    const std::string name = (top ? "" : app->get_parent()->get_name() + " ") + app->get_name();
    std::string usage = name + (top ? " COMMAND" : "");
    std::string list;
    for (const CLI::App* command : app->get_subcommands(nullptr)) {
      list += row(command->get_name(), command->get_description());
    }
    std::string options;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_group().empty()) continue;
      const bool positional = option->get_positional();
      if (positional) usage += " " + shown(*option);
      (positional ? list : options) += row(left(*option), option->get_description());
    }
    std::string text = name + ": " + app->get_description() + "\n\n";
    text += "usage: " + usage + " [OPTION...]\n\n" + list + options;
    if (!app->get_footer().empty()) text += "\n" + app->get_footer() + "\n";
    return text;
  }

 private:
  static std::string shown(const CLI::Option& option) {
    const std::string name = option.get_name(true);
    if (option.get_expected_max() > 1) return "[" + name + "...]";
    return option.get_required() ? name : "[" + name + "]";
  }

  static std::string left(const CLI::Option& option) {
    if (option.get_positional()) return option.get_name(true);
    std::string text = option.get_name(false, true);
    if (const auto comma = text.find(','); comma != std::string::npos) text.insert(comma + 1, " ");
    if (option.get_expected_max() > 0) text += " " + option.get_type_name();
    return text;
  }

  static std::string row(const std::string& left, std::string text) {
    constexpr std::size_t kTextColumn = 23;
    constexpr std::size_t kTextWidth = 80 - kTextColumn;
    std::string line = "  " + left;
    line.resize(std::max(kTextColumn, line.size() + 2), ' ');
    for (std::string rest = std::move(text);;) {
      if (rest.size() <= kTextWidth) return line + rest + "\n";
      const std::size_t space = rest.rfind(' ', kTextWidth);
      line += rest.substr(0, space) + "\n" + std::string(kTextColumn, ' ');
      rest.erase(0, space + 1);
    }
  }
};

// The text of an option that takes a duration with its unit.
template <class Target>  // milliseconds, or an optional of them
CLI::Option* add_duration(CLI::App& app, const std::string& name, Target& target,
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

CLI::Option* add_size(CLI::App& app, const std::string& name, std::uint64_t& target,
                      const std::string& help) {
  const auto read = [&target, name](const std::string& text) {
    const auto plain = parse_number<std::uint64_t>(text);  // bytes: no other unit is likely
    const auto size = plain ? Result<std::uint64_t>(*plain) : parse_size(text);
    if (!size) throw CLI::ValidationError(name, size.error().what);
    target = *size;
  };
  return app.add_option_function<std::string>(name, read, help)->type_name("BYTES");
}

void add_percent(CLI::App& app, const std::string& name, double& target, const std::string& help) {
  const auto read = [&target, name](std::string text) {
    if (text.ends_with('%')) text.pop_back();
    std::size_t used = 0;
    try {
      target = std::stod(text, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != text.size()) {
      throw CLI::ValidationError(name, quoted(text, 20) + " is no percentage (20%)");
    }
  };
  app.add_option_function<std::string>(name, read, help)->type_name("PERCENT");
}

void add_port(CLI::App& app, const std::string& name, std::optional<std::uint16_t>& target,
              const std::string& help) {
  const auto read = [&target, name](const std::string& text) {
    const auto port = parse_port(text);
    if (!port) {
      const std::string hint = port.error().hint.empty() ? "" : " (" + port.error().hint + ")";
      throw CLI::ValidationError(name, port.error().what + hint);
    }
    target = *port;
  };
  app.add_option_function<std::string>(name, read, help)->type_name("N");
}

// With a value or without one.
void add_watch(CLI::App& app, std::optional<std::chrono::milliseconds>& target) {
  const auto read = [&target](const std::string& text) {
    target = kDefaultWatchInterval;
    if (text.empty()) return;
    const auto interval = parse_duration(text);
    if (!interval || *interval < kLeastWatchInterval || *interval > kMostWatchInterval) {
      throw CLI::ValidationError("--watch", polyport::quoted(text) + " is no interval from " +
                                                format_duration(kLeastWatchInterval) + " to " +
                                                format_duration(kMostWatchInterval));
    }
    target = *interval;
  };
  app.add_option_function<std::string>("--watch", read, "again and again; default every 2s")
      ->type_name("[DURATION]")
      ->expected(0, 1);
}

void add_trust(CLI::App& app, TlsTrust& trust) {
  app.add_option("--ca", trust.ca, "whom to believe over TLS, beside the system's and our own CA")
      ->type_name("FILE");
  app.add_flag("--insecure", trust.insecure, "believe whatever certificate a server shows");
}

void add_set(CLI::App& app, ConfigurationOptions& configuration) {
  app.add_option("--set", configuration.set, "override a setting: services.web.listen=localhost:81")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
}

// All commands with the structs they fill.
class Parser {
 public:
  Parser() : app_("One process, one event loop, many services, each on its own ports.") {
    app_.name("polyport");
    app_.formatter(std::make_shared<Help>());
    app_.require_subcommand(0, 1);
    app_.set_help_flag("-h,--help", "this text");
    app_.add_flag("--version", version_, "which polyport this is; with --verbose, built of what");
    app_.add_flag("--verbose", verbose_)->needs("--version")->group("");
    add_run();
    add_check();
    add_explain();
    add_ports();
    add_services();
    add_connect();
    add_healthcheck();
    add_swarm();
    add_measure();
    add_bind_matrix();
    add_demo();
    add_ca();
    // Last, because a subcommand takes over what its parent has when it is added.
    app_.set_help_flag("-h,--help", "this text; polyport COMMAND --help tells more");
    app_.footer(
        "Start with: polyport run                      the demo: ports 8080, 10007 ...\n"
        "            polyport run http:8080 echo:7777  these two, without a file\n"
        "            polyport connect localhost:10007  talk to one of them");
  }

  CommandLine parse(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
        std::ostringstream help;
        app_.exit(error, help, help);  // writes what was asked for
        return {{}, answer(help.str(), kExitOk)};
      }
      std::fprintf(stderr, "%s\n", failure(error, argc, argv).c_str());
      return {{}, kExitUsage};
    }
    return chosen();
  }

 private:
  std::string failure(const CLI::ParseError& error, int argc, const char* const* argv) const {
    std::string name = app_.get_name();
    std::vector<std::string_view> commands;
    for (const CLI::App* command : app_.get_subcommands(nullptr)) {
      commands.push_back(command->get_name());
      if (command->parsed()) name += " " + command->get_name();
    }
    const std::string_view first = argc > 1 ? argv[1] : "";
    const bool is_word = !first.empty() && !first.starts_with('-');
    if (name == app_.get_name() && is_word) {
      const std::string hint = did_you_mean(first, commands);
      return name + ": no command is called " + quoted(first) +
             (hint.empty() ? "" : " (" + hint + ")") + "\n" + name + " --help lists them";
    }
    return name + ": " + printable(error.what()) + "\n" + name + " --help says what can be typed";
  }

  CommandLine chosen() {
    if (run_command_->parsed()) return {run_};
    if (check_command_->parsed()) return {check_};
    if (explain_command_->parsed()) return {explain_};
    if (ports_command_->parsed()) return {ports_};
    if (services_command_->parsed()) return {services_};
    if (connect_command_->parsed()) return {connect_};
    if (healthcheck_command_->parsed()) return {healthcheck_};
    if (swarm_command_->parsed()) return {swarm_};
    if (measure_command_->parsed()) return {measure_};
    if (bind_matrix_command_->parsed()) return {bind_matrix_};
    if (demo_command_->parsed()) return {demo_};
    if (ca_command_->parsed()) return {ca_};
    if (version_) {
      using Detail = VersionOptions::Detail;
      return {VersionOptions{verbose_ ? Detail::kVerbose : Detail::kShort}};
    }
    std::fputs(app_.help().c_str(), stderr);
    return {{}, kExitUsage};
  }

  void add_run() {
    CLI::App& run = *app_.add_subcommand("run", "start the services of a configuration");
    run_command_ = &run;
    run.add_option("WHAT", run_.configuration.what,
                   "a configuration file, \"-\" for standard input, or services as "
                   "TYPE[@NAME]:PORT; nothing: the demo");
    run.add_option("--only", run_.configuration.only, "start only these services")
        ->type_name("NAME,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    run.add_option("--offset", run_.configuration.offset, "add N to every port from 1024 up")
        ->type_name("N")
        ->check(CLI::Range(0, 64511).description(""));
    add_set(run, run_.configuration);
    CLI::Option* const quiet = run.add_flag_callback(
        "--quiet", [this] { run_.talk = RunOptions::Talk::kQuiet; }, "print nothing but the log");
    CLI::Option* const narrate = run.add_flag_callback(
        "--narrate", [this] { run_.talk = RunOptions::Talk::kNarrate; },
        "tell the life of every port, system call by system call");
    narrate->excludes(quiet);
    run.add_flag_callback(
           "--json", [this] { run_.talk = RunOptions::Talk::kJson; },
           "print what is open, or why nothing started, as JSON")
        ->excludes(quiet)
        ->excludes(narrate);
    run.add_flag_callback(
        "--check", [this] { run_.purpose = RunOptions::Purpose::kCheck; },
        "check the configuration and start nothing");
    run.add_option("--ready-fd", run_.ready_fd, "write one JSON line there when all is open")
        ->type_name("N")
        ->check(CLI::Validator(CLI::NonNegativeNumber).description(""));
    run.add_option("--ready-file", run_.ready_file, "the same, into a file")->type_name("PATH");
    run.footer(
        "Exit code, where nothing starts: 1 the configuration has errors, 2 usage,\n"
        "3 a port cannot be had, 4 not permitted, 5 anything else.");
  }

  void add_check() {
    CLI::App& check = *app_.add_subcommand("check", "find every mistake in a configuration");
    check_command_ = &check;
    check.add_option("CONFIG", check_.configuration.what,
                     "a file, \"-\" for standard input, or services as for run; nothing: the demo");
    add_set(check, check_.configuration);
    check.add_flag("--live", check_.live, "also try each port now, and explain what cannot be had");
    check.add_flag_callback(
        "--json", [this] { check_.format = CheckOptions::Format::kJson; }, "as one JSON object");
    check.footer(
        "Exit code 0: clean. 1: errors, or a port that cannot be had. 2: no such file.\n"
        "5: the answer could not be written.");
  }

  void add_explain() {
    CLI::App& explain = *app_.add_subcommand("explain", "who has a port, and could I have it");
    explain_command_ = &explain;
    explain
        .add_option("PORT", explain_.questions,
                    "8080, udp:53, http, 127.0.0.1:80, unix:/run/x.sock, a service's name")
        ->required();
    explain
        .add_option("--config", explain_.configuration,
                    "where services are looked for by name; default: the demo")
        ->type_name("FILE");
    explain.add_flag_callback(
        "--json", [this] { explain_.format = ExplainOptions::Format::kJson; }, "as JSON");
    explain.footer(
        "Exit code, for the first PORT alone (without udp: for its TCP side): 0 free,\n"
        "1 taken or not to be had, 4 not permitted. 2: a PORT that is none.\n"
        "5: the answer could not be written.");
  }

  void add_ports() {
    CLI::App& ports = *app_.add_subcommand("ports", "who listens on this machine");
    ports_command_ = &ports;
    ports.add_flag_callback(
        "--all", [this] { ports_.show = PortsOptions::Show::kAll; },
        "connections too, with both ends and their state");
    add_port(ports, "--port", ports_.port, "only this one; with --all, at either end");
    ports.add_flag("--unix", ports_.unix_sockets, "unix sockets too");
    add_watch(ports, ports_.watch);
    ports.add_flag_callback(
        "--json", [this] { ports_.format = PortsOptions::Format::kJson; },
        "as JSON; with --watch one object a line, each time something has changed");
    ports.footer("Exit code 0: shown. 5: the sockets cannot be read, or nobody reads the answer.");
  }

  void add_services() {
    CLI::App& services = *app_.add_subcommand("services", "list the services and their options");
    services_command_ = &services;
    services.add_option("TYPE", services_.type, "the options of this one");
    services.add_flag_callback(
        "--json", [this] { services_.format = ServicesOptions::Format::kJson; }, "as JSON");
    services.add_flag_callback(
        "--reference", [this] { services_.format = ServicesOptions::Format::kReference; },
        "what the TYPE can be asked for, as Markdown");
  }

  void add_connect() {
    CLI::App& connect = *app_.add_subcommand("connect", "talk to a port, and see what happens");
    connect_command_ = &connect;
    connect.add_option("TARGET", connect_.target, "HOST:PORT, udp://HOST:PORT or unix:PATH")
        ->required();
    connect.add_option("--bind", connect_.bind, "the local address, or :PORT")
        ->type_name("ADDRESS:PORT");
    connect.add_flag("--hold", connect_.hold, "keep the connection open when the input ends");
    connect.add_option("--count", connect_.count, "open N connections and send nothing")
        ->type_name("N");
    add_duration(connect, "--wait", connect_.wait, "the longest wait for an answer");
    connect.add_flag("--crlf", connect_.crlf, "end lines with CR LF");
    connect.add_flag("--hex", connect_.hex, "show the bytes as numbers");
  }

  void add_healthcheck() {
    CLI::App& health =
        *app_.add_subcommand("healthcheck", "ask a running server whether it is well");
    healthcheck_command_ = &health;
    health.add_option("URL", healthcheck_.url,
                      "the page to ask; default http://localhost:9901/readyz");
    add_duration(health, "--timeout", healthcheck_.timeout, "give up after this time");
    health.footer("Exit code 0: well. 1: not.");
  }

  void add_swarm() {
    CLI::App& swarm =
        *app_.add_subcommand("swarm", "many sockets at once, each byte of the answers compared");
    swarm_command_ = &swarm;
    swarm
        .add_option("URL", swarm_.urls,
                    "tcp://HOST:PORT, tls:, ws:, wss:, udp:, unix:PATH, http:, https:, chat:, "
                    "chats:; the sockets go round them")
        ->required();
    swarm.add_option("--count", swarm_.count, "sockets; default 100")->type_name("N");
    add_size(swarm, "--size", swarm_.size, "of a message; 0 says nothing; http posts that many")
        ->each([this](const std::string&) { swarm_.size_given = true; });
    swarm.add_option("--rate", swarm_.rate, "messages a second, whether answers come or not")
        ->type_name("N");
    add_duration(swarm, "--duration", swarm_.duration, "how long to send; default 10s with --rate");
    add_duration(swarm, "--ramp", swarm_.ramp, "open the sockets evenly over this time");
    add_duration(swarm, "--hold", swarm_.hold, "then silence, and one more message each");
    add_duration(swarm, "--timeout", swarm_.timeout, "for a connection, for answers; default 10s");
    swarm.add_option("--source", swarm_.sources, "addresses to come from")
        ->type_name("ADDR,...")
        ->delimiter(',')
        ->allow_extra_args(false);
    swarm.add_option("--source-ports", swarm_.source_ports, "ports to come from")->type_name("A-B");
    add_percent(swarm, "--loss", swarm_.loss, "lose so many datagrams on purpose");
    add_percent(swarm, "--allowed-loss", swarm_.allowed_loss, "so many answers may be missing");
    swarm.add_flag("--allow-remote", swarm_.allow_remote, "targets beyond this machine's loopback");
    add_trust(swarm, swarm_.trust);
    swarm.add_option("--compare", swarm_.compare, "an earlier report of --json, beside this one")
        ->type_name("FILE");
    swarm.add_flag_callback(
        "--json", [this] { swarm_.format = SwarmOptions::Format::kJson; }, "report as JSON");
    swarm.footer("Exit code 0: nothing was lost. 1: something was.");
  }

  void add_measure() {
    CLI::App& measure = *app_.add_subcommand(
        "measure", "run a load tool, and say whether it or the server was the limit");
    measure_command_ = &measure;
    measure.add_option("COMMAND", measure_.command, "the tool and its arguments, behind \"--\"")
        ->required();
    measure
        .add_option("--target", measure_.target,
                    "the server's admin pages; default " + measure_.target)
        ->type_name("URL");
    measure.add_flag_callback(
        "--json", [this] { measure_.format = MeasureOptions::Format::kJson; }, "as JSON");
    measure.footer(
        "For example: polyport measure -- wrk -c 64 http://localhost:8080/plain\n"
        "Exit code 0: measured. 1: the tool failed. 5: the target cannot be asked.");
  }

  void add_bind_matrix() {
    CLI::App& matrix =
        *app_.add_subcommand("bind-matrix", "try which two sockets may have one port, and why");
    bind_matrix_command_ = &matrix;
    using Options = BindMatrixOptions;
    CLI::Option* const all = matrix.add_flag_callback(
        "--all", [this] { bind_matrix_.extent = Options::Extent::kAll; },
        "UDP, SO_REUSEADDR, SO_REUSEPORT and bound but not listening as well");
    matrix
        .add_flag_callback(
            "--predict", [this] { bind_matrix_.mode = Options::Mode::kPredict; },
            "fill the table first, o for ok and x for in use; from a pipe one line a row")
        ->excludes(all);
    matrix.add_flag_callback(
        "--json", [this] { bind_matrix_.format = Options::Format::kJson; }, "as JSON");
    matrix.footer(
        "Exit code 0: shown. 1: this kernel answers otherwise than the rules say.\n"
        "5: it could not be tried, or the answer not written.");
  }

  void add_demo() {
    CLI::App& demo = *app_.add_subcommand("demo", "a lesson about ports, really happening here");
    demo_command_ = &demo;
    demo.add_option("NAME", demo_.name, "which one; nothing: list them");
    demo.add_option("N", demo_.note, "of the demo notes: only this claim");
    demo.add_flag("--fast", demo_.fast, "no pauses between the steps");
    demo.footer(
        "Exit code 0: shown. 1: this kernel answered otherwise. 2: no such demo.\n"
        "5: impossible here, or the lesson could not be written.");
  }

  void add_ca() {
    CLI::App& ca =
        *app_.add_subcommand("ca", "the CA behind https://localhost, and how to trust it");
    ca_command_ = &ca;
    ca.add_option("CONFIG", ca_.configuration.what,
                  "whose state directory; a file or \"-\"; nothing: the demo's");
    add_set(ca, ca_.configuration);
    ca.add_flag("--make", ca_.make, "make it where there is none yet");
    CLI::Option* const pem = ca.add_flag_callback(
        "--pem", [this] { ca_.format = CaOptions::Format::kPem; }, "print its certificate");
    ca.add_flag_callback(
          "--path", [this] { ca_.format = CaOptions::Format::kPath; }, "print where it lies")
        ->excludes(pem);
    ca.footer("Exit code 0: shown. 1: there is none. 4: not permitted.");
  }

  CLI::App app_;
  CLI::App* run_command_ = nullptr;
  CLI::App* check_command_ = nullptr;
  CLI::App* explain_command_ = nullptr;
  CLI::App* ports_command_ = nullptr;
  CLI::App* services_command_ = nullptr;
  CLI::App* connect_command_ = nullptr;
  CLI::App* healthcheck_command_ = nullptr;
  CLI::App* swarm_command_ = nullptr;
  CLI::App* measure_command_ = nullptr;
  CLI::App* bind_matrix_command_ = nullptr;
  CLI::App* demo_command_ = nullptr;
  CLI::App* ca_command_ = nullptr;
  bool version_ = false;
  bool verbose_ = false;
  RunOptions run_;
  CheckOptions check_;
  ExplainOptions explain_;
  PortsOptions ports_;
  ServicesOptions services_;
  ConnectOptions connect_;
  HealthcheckOptions healthcheck_;
  SwarmOptions swarm_;
  MeasureOptions measure_;
  BindMatrixOptions bind_matrix_;
  DemoOptions demo_;
  CaOptions ca_;
};

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace polyport
