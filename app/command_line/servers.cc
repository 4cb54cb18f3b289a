// The commands that start services or look at what a configuration says.
#include <limits>

#include "app/command_line/describe.h"
#include "app/command_line/syntax.h"

namespace polyport {
namespace {

void add_set(CommandSyntax& syntax, ConfigurationOptions& configuration) {
  syntax.texts("--set", "PATH=VALUE", "override a setting: services.web.listen=localhost:81",
               configuration.set);
}

}  // namespace

void describe(CommandSyntax& syntax, RunOptions& options) {
  using Talk = RunOptions::Talk;
  syntax.arguments("WHAT",
                   "a configuration file, \"-\" for standard input, or services as "
                   "TYPE[@NAME]:PORT; nothing: the demo",
                   options.configuration.what);
  syntax.list("--only", "NAME,...", "start only these services", options.configuration.only);
  syntax.number("--offset", "add N to every port from 1024 up", options.configuration.offset)
      .range(0, 64511);
  add_set(syntax, options.configuration);
  const OptionSyntax quiet = syntax.flag("--quiet", "print nothing but the log",
                                         [&options] { options.talk = Talk::kQuiet; });
  OptionSyntax narrate =
      syntax.flag("--narrate", "tell the life of every port, system call by system call",
                  [&options] { options.talk = Talk::kNarrate; });
  narrate.excludes(quiet);
  syntax
      .flag("--json", "print what is open, or why nothing started, as JSON",
            [&options] { options.talk = Talk::kJson; })
      .excludes(quiet)
      .excludes(narrate);
  syntax.flag("--check", "check the configuration and start nothing",
              [&options] { options.purpose = RunOptions::Purpose::kCheck; });
  syntax.number("--ready-fd", "write one JSON line there when all is open", options.ready_fd)
      .range(0, std::numeric_limits<int>::max());
  syntax.text("--ready-file", "PATH", "the same, into a file", options.ready_file);
  syntax.footer(
      "Exit code, where nothing starts: 1 the configuration has errors, 2 usage,\n"
      "3 a port cannot be had, 4 not permitted, 5 anything else.");
}

void describe(CommandSyntax& syntax, CheckOptions& options) {
  syntax.arguments("CONFIG",
                   "a file, \"-\" for standard input, or services as for run; nothing: the demo",
                   options.configuration.what);
  add_set(syntax, options.configuration);
  syntax.flag("--live", "also try each port now, and explain what cannot be had", options.live);
  syntax.flag("--json", "as one JSON object",
              [&options] { options.format = CheckOptions::Format::kJson; });
  syntax.footer(
      "Exit code 0: clean. 1: errors, or a port that cannot be had. 2: no such file.\n"
      "5: the answer could not be written.");
}

void describe(CommandSyntax& syntax, ServicesOptions& options) {
  using Format = ServicesOptions::Format;
  syntax.argument("TYPE", "the options of this one", options.type);
  syntax.flag("--json", "as JSON", [&options] { options.format = Format::kJson; });
  syntax.flag("--reference", "what the TYPE can be asked for, as Markdown",
              [&options] { options.format = Format::kReference; });
}

void describe(CommandSyntax& syntax, CaOptions& options) {
  using Format = CaOptions::Format;
  syntax.arguments("CONFIG", "whose state directory; a file or \"-\"; nothing: the demo's",
                   options.configuration.what);
  add_set(syntax, options.configuration);
  syntax.flag("--make", "make it where there is none yet", options.make);
  const OptionSyntax pem =
      syntax.flag("--pem", "print its certificate", [&options] { options.format = Format::kPem; });
  syntax.flag("--path", "print where it lies", [&options] { options.format = Format::kPath; })
      .excludes(pem);
  syntax.footer("Exit code 0: shown. 1: there is none. 4: not permitted.");
}

}  // namespace polyport
