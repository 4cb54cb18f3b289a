// The one file that knows CLI11: the layout of the help, what a command's syntax means to it, and
// which command was typed. The commands are described in app/command_line/.
#include "app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <sstream>

#include "app/command_line/describe.h"
#include "app/command_line/syntax.h"
#include "app/commands/exit_code.h"
#include "app/output.h"
#include "core/base/text.h"

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
      if (command->get_group().empty()) continue;  // not for people
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

OptionSyntax plain(CLI::Option* option) {
  return OptionSyntax(*option);
}

template <class Target>
OptionSyntax typed(CLI::App& app, const std::string& name, const std::string& value,
                   const std::string& help, Target& target) {
  return plain(app.add_option(name, target, help)->type_name(value));
}

CLI::Option* reading(CLI::App& app, const std::string& name, const std::string& value,
                     const std::string& help, CommandSyntax::Read read) {
  const auto take = [name, read = std::move(read)](const std::string& text) {
    const auto taken = read(text);
    if (taken) return;
    const Error& error = taken.error();
    throw CLI::ValidationError(name,
                               error.what + (error.hint.empty() ? "" : " (" + error.hint + ")"));
  };
  return app.add_option_function<std::string>(name, take, help)->type_name(value);
}

}  // namespace

// --- the syntax of a command ---------------------------------------------------------------------

OptionSyntax& OptionSyntax::required() {
  option_.required();
  return *this;
}

OptionSyntax& OptionSyntax::excludes(const OptionSyntax& other) {
  option_.excludes(&other.option_);
  return *this;
}

OptionSyntax& OptionSyntax::range(int least, int most) {
  option_.check(CLI::Range(least, most).description(""));
  return *this;
}

OptionSyntax CommandSyntax::argument(Text name, Text help, std::string& target) {
  return plain(app_.add_option(name, target, help));
}

OptionSyntax CommandSyntax::arguments(Text name, Text help, std::vector<std::string>& target) {
  return plain(app_.add_option(name, target, help));
}

OptionSyntax CommandSyntax::argument(Text name, Text help, std::optional<std::uint32_t>& target) {
  return plain(app_.add_option(name, target, help));
}

OptionSyntax CommandSyntax::text(Text name, Text value, Text help, std::string& target) {
  return typed(app_, name, value, help, target);
}

OptionSyntax CommandSyntax::texts(Text name, Text value, Text help,
                                  std::vector<std::string>& target) {
  return plain(app_.add_option(name, target, help)->type_name(value)->allow_extra_args(false));
}

OptionSyntax CommandSyntax::list(Text name, Text value, Text help,
                                 std::vector<std::string>& target) {
  return plain(app_.add_option(name, target, help)
                   ->type_name(value)
                   ->delimiter(',')
                   ->allow_extra_args(false));
}

OptionSyntax CommandSyntax::number(Text name, Text help, int& target) {
  return typed(app_, name, "N", help, target);
}

OptionSyntax CommandSyntax::number(Text name, Text help, std::uint32_t& target) {
  return typed(app_, name, "N", help, target);
}

OptionSyntax CommandSyntax::number(Text name, Text help, std::optional<int>& target) {
  return typed(app_, name, "N", help, target);
}

OptionSyntax CommandSyntax::number(Text name, Text help, std::optional<double>& target) {
  return typed(app_, name, "N", help, target);
}

OptionSyntax CommandSyntax::value(Text name, Text value, Text help, Read read) {
  return plain(reading(app_, name, value, help, std::move(read)));
}

OptionSyntax CommandSyntax::value_or_none(Text name, Text value, Text help, Read read) {
  return plain(reading(app_, name, value, help, std::move(read))->expected(0, 1));
}

OptionSyntax CommandSyntax::flag(Text name, Text help, bool& target) {
  return plain(app_.add_flag(name, target, help));
}

OptionSyntax CommandSyntax::flag(Text name, Text help, std::function<void()> set) {
  return plain(app_.add_flag_callback(name, std::move(set), help));
}

void CommandSyntax::footer(Text text) {
  app_.footer(text);
}

// --- all commands --------------------------------------------------------------------------------

namespace {

class Parser {
 public:
  Parser() : app_("One process, one event loop, many services, each on its own ports.") {
    app_.name("polyport");
    app_.formatter(std::make_shared<Help>());
    app_.require_subcommand(0, 1);
    app_.set_help_flag("-h,--help", "this text");
    app_.add_flag("--version", version_, "which polyport this is; with --verbose, built of what");
    app_.add_flag("--verbose", verbose_)->needs("--version")->group("");
    add<RunOptions>("run", "start the services of a configuration");
    add<CheckOptions>("check", "find every mistake in a configuration");
    add<ExplainOptions>("explain", "who has a port, and could I have it");
    add<PortsOptions>("ports", "who listens on this machine");
    add<ServicesOptions>("services", "list the services and their options");
    add<ConnectOptions>("connect", "talk to a port, and see what happens");
    add<HealthcheckOptions>("healthcheck", "ask a running server whether it is well");
    add<SwarmOptions>("swarm", "many sockets at once, each byte of the answers compared");
    add<MeasureOptions>("measure",
                        "run a load tool, and say whether it or the server was the limit");
    add<BindMatrixOptions>("bind-matrix", "try which two sockets may have one port, and why");
    add<DemoOptions>("demo", "a lesson about ports, really happening here");
    add<CaOptions>("ca", "the CA behind https://localhost, and how to trust it");
    commands_.push_back({app_.add_subcommand("worker", "a process of `run`, started by it"),
                         [] { return Command(WorkerOptions()); }});
    commands_.back().app->group("");  // no help lists it
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
  // A command that can be typed, and what was.
  struct Typed {
    CLI::App* app;
    std::function<Command()> options;
  };

  template <class Options>
  void add(const char* name, const char* help) {
    const auto options = std::make_shared<Options>();
    CLI::App* const app = app_.add_subcommand(name, help);
    CommandSyntax syntax(*app);
    describe(syntax, *options);
    commands_.push_back({app, [options] { return Command(*options); }});
  }

  std::string failure(const CLI::ParseError& error, int argc, const char* const* argv) const {
    std::string name = app_.get_name();
    std::vector<std::string_view> commands;
    for (const CLI::App* command : app_.get_subcommands(nullptr)) {
      if (!command->get_group().empty()) commands.push_back(command->get_name());
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
    for (const Typed& command : commands_) {
      if (command.app->parsed()) return {command.options()};
    }
    if (version_) {
      using Detail = VersionOptions::Detail;
      return {VersionOptions{verbose_ ? Detail::kVerbose : Detail::kShort}};
    }
    std::fputs(app_.help().c_str(), stderr);
    return {{}, kExitUsage};
  }

  CLI::App app_;
  std::vector<Typed> commands_;
  bool version_ = false;
  bool verbose_ = false;
};

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  return Parser().parse(argc, argv);
}

}  // namespace polyport
