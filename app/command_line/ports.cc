// The commands about ports themselves.
#include "app/command_line/describe.h"
#include "app/command_line/syntax.h"
#include "core/base/text.h"
#include "core/base/units.h"

namespace polyport {
namespace {

void add_watch(CommandSyntax& syntax, std::optional<std::chrono::milliseconds>& target) {
  const auto read = [&target](const std::string& text) -> Result<void> {
    target = kDefaultWatchInterval;
    if (text.empty()) return {};
    const auto interval = parse_duration(text);
    if (!interval || *interval < kLeastWatchInterval || *interval > kMostWatchInterval) {
      return failure(ErrorCode::kBadValue, quoted(text) + " is no interval from " +
                                               format_duration(kLeastWatchInterval) + " to " +
                                               format_duration(kMostWatchInterval));
    }
    target = *interval;
    return {};
  };
  syntax.value_or_none("--watch", "[DURATION]", "again and again; default every 2s", read);
}

}  // namespace

void describe(CommandSyntax& syntax, ExplainOptions& options) {
  syntax
      .arguments("PORT", "8080, udp:53, http, 127.0.0.1:80, unix:/run/x.sock, a service's name",
                 options.questions)
      .required();
  syntax.text("--config", "FILE", "where services are looked for by name; default: the demo",
              options.configuration);
  syntax.flag("--json", "as JSON", [&options] { options.format = ExplainOptions::Format::kJson; });
  syntax.footer(
      "Exit code, for the first PORT alone (without udp: for its TCP side): 0 free,\n"
      "1 taken or not to be had, 4 not permitted. 2: a PORT that is none.\n"
      "5: the answer could not be written.");
}

void describe(CommandSyntax& syntax, PortsOptions& options) {
  syntax.flag("--all", "connections too, with both ends and their state",
              [&options] { options.show = PortsOptions::Show::kAll; });
  syntax.port("--port", "only this one; with --all, at either end", options.port);
  syntax.flag("--unix", "unix sockets too", options.unix_sockets);
  add_watch(syntax, options.watch);
  syntax.flag("--json", "as JSON; with --watch one object a line, each time something has changed",
              [&options] { options.format = PortsOptions::Format::kJson; });
  syntax.footer("Exit code 0: shown. 5: the sockets cannot be read, or nobody reads the answer.");
}

void describe(CommandSyntax& syntax, BindMatrixOptions& options) {
  using Options = BindMatrixOptions;
  const OptionSyntax all =
      syntax.flag("--all", "UDP, SO_REUSEADDR, SO_REUSEPORT and bound but not listening as well",
                  [&options] { options.extent = Options::Extent::kAll; });
  syntax
      .flag("--predict",
            "fill the table first, o for ok and x for in use; from a pipe one line a row",
            [&options] { options.mode = Options::Mode::kPredict; })
      .excludes(all);
  syntax.flag("--json", "as JSON", [&options] { options.format = Options::Format::kJson; });
  syntax.footer(
      "Exit code 0: shown. 1: this kernel answers otherwise than the rules say.\n"
      "5: it could not be tried, or the answer not written.");
}

void describe(CommandSyntax& syntax, DemoOptions& options) {
  syntax.argument("NAME", "which one; nothing: list them", options.name);
  syntax.argument("N", "of the demo notes: only this claim", options.note);
  syntax.flag("--fast", "no pauses between the steps", options.fast);
  syntax.footer(
      "Exit code 0: shown. 1: this kernel answered otherwise. 2: no such demo.\n"
      "5: impossible here, or the lesson could not be written.");
}

}  // namespace polyport
