// The commands that connect to a server.
#include "app/command_line/describe.h"
#include "app/command_line/syntax.h"

namespace polyport {
namespace {

void add_trust(CommandSyntax& syntax, TlsTrust& trust) {
  syntax.text("--ca", "FILE", "whom to believe over TLS, beside the system and our own CA",
              trust.ca);
  syntax.flag("--insecure", "believe whatever certificate a server shows", trust.insecure);
}

}  // namespace

void describe(CommandSyntax& syntax, ConnectOptions& options) {
  syntax
      .argument("TARGET", "HOST:PORT, tls://HOST:PORT, udp://HOST:PORT or unix:PATH",
                options.target)
      .required();
  syntax.text("--bind", "ADDRESS:PORT", "the local address, or :PORT", options.bind);
  syntax.flag("--hold", "keep the connection open when the input ends", options.hold);
  syntax.number("--count", "open N connections and send nothing", options.count);
  syntax.duration("--wait", "the longest wait for an answer", options.wait);
  syntax.flag("--crlf", "end lines with CR LF", options.crlf);
  syntax.flag("--hex", "show the bytes as numbers", options.hex);
  add_trust(syntax, options.trust);
}

void describe(CommandSyntax& syntax, HealthcheckOptions& options) {
  syntax.argument("URL", "the page to ask; default " + options.url, options.url);
  syntax.duration("--timeout", "give up after this time", options.timeout);
  add_trust(syntax, options.trust);
  syntax.footer("Exit code 0: well. 1: not.");
}

void describe(CommandSyntax& syntax, SwarmOptions& options) {
  syntax
      .arguments("URL",
                 "tcp://HOST:PORT, tls:, ws:, wss:, udp:, unix:PATH, http:, https:, chat:, "
                 "chats:; the sockets go round them",
                 options.urls)
      .required();
  syntax.number("--count", "sockets; default 100", options.count);
  syntax.size("--size", "of a message, default 64; 0 says nothing; http posts that many",
              options.given_size);
  syntax.number("--rate", "messages a second, whether answers come or not", options.rate);
  syntax.duration("--duration", "how long to send; default 10s with --rate", options.duration);
  syntax.duration("--ramp", "open the sockets evenly over this time", options.ramp);
  syntax.duration("--hold", "then silence, and one more message each", options.hold);
  syntax.duration("--timeout", "for a connection, for answers; default 10s", options.timeout);
  syntax.list("--source", "ADDR,...", "addresses to come from", options.sources);
  syntax.text("--source-ports", "A-B", "ports to come from", options.source_ports);
  syntax.percent("--loss", "lose so many datagrams on purpose", options.loss);
  syntax.percent("--allowed-loss", "so many answers may be missing", options.allowed_loss);
  syntax.flag("--allow-remote", "targets beyond this machine's loopback", options.allow_remote);
  add_trust(syntax, options.trust);
  syntax.text("--compare", "FILE", "an earlier report of --json, beside this one", options.compare);
  syntax.flag("--json", "report as JSON",
              [&options] { options.format = SwarmOptions::Format::kJson; });
  syntax.footer("Exit code 0: nothing was lost. 1: something was.");
}

void describe(CommandSyntax& syntax, MeasureOptions& options) {
  syntax.arguments("COMMAND", "the tool and its arguments, behind \"--\"", options.command)
      .required();
  syntax.text("--target", "URL", "the server's admin pages; default " + options.target,
              options.target);
  syntax.flag("--json", "as JSON", [&options] { options.format = MeasureOptions::Format::kJson; });
  syntax.footer(
      "For example: polyport measure -- wrk -c 64 http://localhost:8080/plain\n"
      "Exit code 0: measured. 1: the tool failed. 5: the target cannot be asked.");
}

}  // namespace polyport
