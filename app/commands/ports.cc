#include "app/commands/ports.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "app/commands/connect/interrupt.h"
#include "app/commands/exit_code.h"
#include "app/commands/ports/ports_json.h"
#include "app/commands/ports/ports_text.h"
#include "app/commands/ports/snapshot.h"
#include "app/output.h"
#include "app/terminal.h"
#include "core/base/units.h"

namespace polyport {
namespace {

constexpr int kOut = STDOUT_FILENO;

struct TerminalSize {
  std::size_t columns = 0;  // 0: no terminal
  std::size_t lines = 0;
};

TerminalSize terminal_size() {
  if (!Terminal::is_terminal(kOut)) return {};
  winsize size{};
  if (::ioctl(kOut, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {80, 24};
  return {size.ws_col, size.ws_row};
}

std::string snapshot_text(const Snapshot& snapshot, const PortsOptions& options) {
  if (options.format == PortsOptions::Format::kJson) {
    const bool lines = options.watch.has_value();  // one object a line, for whoever reads on
    const auto style = lines ? JsonWriter::Style::kCompact : JsonWriter::Style::kIndented;
    return ports_json(snapshot, style) + "\n";
  }
  return ports_text(snapshot, options,
                    {.width = terminal_size().columns, .paint = Terminal::paint(kOut)});
}

int unreadable() {
  std::fputs(
      "polyport ports: this system shows its sockets neither through sock_diag nor in /proc/net\n",
      stderr);
  return kExitFailed;
}

// --- watching ------------------------------------------------------------------------------------

// Unlike write_output() broken off by an interrupt: whoever sends it wants the prompt back, also
// from a terminal that was stopped.
bool print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(kOut, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (pollfd out{kOut, POLLOUT, 0}; errno != EAGAIN || ::poll(&out, 1, -1) < 0) {
      return false;
    }
  }
  return true;
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 16> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%H:%M:%S", &local));
}

// The table on an empty screen, without scrolling: what has no room is counted. Lines are
// overwritten and not erased first, so that nothing flickers.
std::string screen(std::string_view text, std::size_t lines, const std::string& title) {
  constexpr std::string_view kHome = "\x1b[?7l\x1b[H";  // long lines end at the edge meanwhile
  constexpr std::string_view kEraseLine = "\x1b[K";
  constexpr std::string_view kEraseBelow = "\x1b[J\x1b[?7h";
  std::string out(kHome);
  out.append(title).append(kEraseLine).append("\r\n").append(kEraseLine);
  std::size_t used = 2;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    out += "\r\n";
    if (++used >= lines && !text.empty()) {
      const auto left = std::count(text.begin(), text.end(), '\n') + 1;
      out.append("(" + std::to_string(left) + " more lines)").append(kEraseLine);
      break;
    }
    out.append(line).append(kEraseLine);
  }
  return out.append(kEraseBelow);
}

class Watching {
 public:
  explicit Watching(const PortsOptions& options) : options_(options) {}

  int run() {
    const Interrupt interrupt;
    const bool redraws = draws_screens();
    if (redraws) print("\x1b[2J");
    Next next = Next::kTable;
    while (next == Next::kTable) {
      const Snapshot snapshot = take_snapshot(options_);
      if (snapshot.source == KernelSockets::Source::kNone) return unreadable();
      if (!show(snapshot_text(snapshot, options_))) {
        return errno == EINTR ? kExitOk : unwritten();
      }
      next = wait(interrupt);
    }
    if (redraws) print("\r\n");
    return next == Next::kNoReader ? kExitFailed : kExitOk;
  }

 private:
  // A terminal has one table, always the newest. Anywhere else a new one follows when it differs.
  bool draws_screens() const {
    const char* const kind = std::getenv("TERM");
    const bool dumb = kind == nullptr || std::string_view(kind) == "dumb";
    return options_.format == PortsOptions::Format::kText && Terminal::is_terminal(kOut) && !dumb;
  }

  bool show(const std::string& text) {
    if (draws_screens()) {
      const std::string title = "polyport ports, every " + human_duration(*options_.watch) + "   " +
                                time_of_day() + "   Ctrl-C ends";
      return print(screen(text, terminal_size().lines, title));
    }
    if (text == last_) return true;
    const bool first = last_.empty();
    last_ = text;
    if (options_.format == PortsOptions::Format::kJson) return print(text);
    return print((first ? "" : "\n") + time_of_day() + "\n" + text);
  }

  enum class Next : std::uint8_t { kTable, kInterrupted, kNoReader };

  Next wait(const Interrupt& interrupt) const {
    std::array<pollfd, 2> watched = {{{interrupt.descriptor(), POLLIN, 0}, {kOut, 0, 0}}};
    const auto interval = static_cast<int>(options_.watch->count());
    // The signal that breaks it off may be the one that ends us, or one that says nothing.
    if (::poll(watched.data(), watched.size(), interval) < 0) {
      ::poll(watched.data(), watched.size(), 0);
    }
    if (watched[0].revents != 0) return Next::kInterrupted;
    return watched[1].revents != 0 ? Next::kNoReader : Next::kTable;
  }

  const PortsOptions& options_;
  std::string last_;
};

}  // namespace

int run_command(const PortsOptions& options) {
  if (options.watch) return Watching(options).run();
  const Snapshot snapshot = take_snapshot(options);
  if (snapshot.source == KernelSockets::Source::kNone) return unreadable();
  return answer(snapshot_text(snapshot, options), kExitOk);
}

}  // namespace polyport
