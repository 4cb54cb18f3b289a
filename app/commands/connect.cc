// The command itself: read what is asked for, connect, say so, copy, say how it ended.
#include "app/commands/connect.h"

#include "app/commands/connect/console.h"
#include "app/commands/connect/datagram_copy.h"
#include "app/commands/connect/dial.h"
#include "app/commands/connect/interrupt.h"
#include "app/commands/connect/many.h"
#include "app/commands/connect/stream_copy.h"
#include "app/commands/connect/words.h"
#include "app/commands/exit_code.h"
#include "core/net/tls_client_socket.h"

namespace polyport {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kConnectWait{10'000};
constexpr milliseconds kSilenceAllowed{10'000};
constexpr milliseconds kAnswerWait{1'000};

// A person at a terminal ends a silence with Ctrl-C; a script cannot.
std::optional<milliseconds> patience(const ConnectOptions& options) {
  if (options.hold) return std::nullopt;
  if (options.wait || !Input::is_terminal()) return options.wait.value_or(kSilenceAllowed);
  return std::nullopt;
}

void say_time(const ConnectOptions& options, const std::string& first_bytes) {
  if (options.hex && first_bytes.size() == 4) say(time_text(first_bytes));
}

int copy_stream(const ConnectOptions& options, Dialled& dialled, Input& input, Output& output,
                const Interrupt& interrupt) {
  const auto at_end = options.hold ? StreamCopy::AtEnd::kHold : StreamCopy::AtEnd::kFinish;
  StreamCopy copy(dialled.socket, input, output, interrupt, {at_end, patience(options)});
  const Ending ending = copy.run();
  dialled.socket.close();
  say_time(options, copy.first_bytes());
  say(closed_text(dialled.ends, ending));
  return closed_exit(ending);
}

int copy_datagrams(const ConnectOptions& options, Dialled& dialled, Input& input, Output& output,
                   const Interrupt& interrupt) {
  std::optional<milliseconds> answer_time = options.wait.value_or(kAnswerWait);
  if (options.hold) answer_time.reset();
  DatagramCopy copy(dialled.socket, input, output, interrupt, answer_time);
  const DatagramEnding ending = copy.run();
  say_time(options, copy.first_bytes());
  say(datagrams_closed_text(dialled.ends, ending));
  return datagrams_closed_exit(ending);
}

// False where there is no TLS on it, which has been said.
bool encrypt(const ConnectOptions& options, const Destination& destination, Dialled& dialled) {
  const auto deadline = ClientSocket::Deadline::clock::now() + options.wait.value_or(kConnectWait);
  const auto agreed = tls_client_context(options.trust).and_then([&](const auto& context) {
    return start_tls(dialled.socket, *context, destination.host, deadline);
  });
  if (agreed) {
    say(labelled("", *agreed));
    return true;
  }
  say(labelled("no TLS", far_text(dialled.ends) + ": " + agreed.error().text()));
  return false;
}

int connect_one(const ConnectOptions& options, const Destination& destination) {
  Dialled dialled = dial(destination, options.wait.value_or(kConnectWait));
  if (!dialled.connected) {
    for (const Failure& failed : dialled.failures)
      say(failure_text(failed, ephemeral_range()));
    return failure_exit(dialled.failures.front());
  }
  const Interrupt interrupt;  // until here there was nothing to close
  const bool chosen = destination.local_ipv4.port != 0 || destination.local_ipv6.port != 0;
  say(opened_text(dialled.ends, chosen ? LocalPort::kChosen : LocalPort::kLent, ephemeral_range()));
  if (destination.transport == Transport::kTls && !encrypt(options, destination, dialled)) {
    return kExitNo;
  }
  Input input(options.crlf ? Input::LineEnds::kCrLf : Input::LineEnds::kAsTyped);
  Output output(options.hex ? Output::Form::kHex : Output::Form::kRaw);
  return dialled.ends.transport == Transport::kUdp
             ? copy_datagrams(options, dialled, input, output, interrupt)
             : copy_stream(options, dialled, input, output, interrupt);
}

// A host that does not exist is an answer; a target that cannot be read is not.
int say_unusable(const Error& error) {
  if (error.code == ErrorCode::kNotFound) {
    say(labelled("no such name", error.what + "; " + error.hint));
    return kExitNo;
  }
  say(error.text() + "\n");
  return error.code == ErrorCode::kBadValue ? kExitUsage : kExitNo;
}

}  // namespace

int run_command(const ConnectOptions& options) {
  if (options.count < 1 || options.count > kMaxConnectCount) {
    say("--count: error: " + std::to_string(options.count) + " is not between 1 and " +
        std::to_string(kMaxConnectCount) + "\n");
    return kExitUsage;
  }
  const auto destination = read_destination(options.target, options.bind);
  if (!destination) return say_unusable(destination.error());
  if (destination->transport == Transport::kTls && options.count > 1) {
    say("--count: error: several connections at once have no TLS (polyport swarm tls://… has)\n");
    return kExitUsage;
  }
  if (options.count == 1) return connect_one(options, *destination);
  return hold_many(*destination, options.count, options.wait.value_or(kConnectWait),
                   options.hold ? Until::kInterrupted : Until::kInputEnds);
}

}  // namespace polyport
