#include "app/commands/demo.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "app/commands/demo/demos.h"
#include "app/commands/demo/real_lab.h"
#include "app/commands/exit_code.h"
#include "app/output.h"
#include "app/terminal.h"
#include "core/base/layout.h"
#include "core/base/text.h"

namespace polyport {
namespace {

using namespace demo;

constexpr std::chrono::milliseconds kPause{1500};
// Twenty of them must not take a minute.
constexpr std::chrono::milliseconds kShortPause{1000};

struct Demo {
  std::string_view name;
  std::string_view about;
  void (*show)(demo::Stage& stage, Lab& lab);
};

void show_all_notes(demo::Stage& stage, Lab& lab) {
  show_notes(stage, lab);
}

constexpr std::array kDemos = std::to_array<Demo>({
    {"conflict", "a taken port, and what each on_conflict makes of it", show_conflict},
    {"time-wait", "who closes first keeps the port busy, and when SO_REUSEADDR helps",
     show_time_wait},
    {"ephemeral", "ten source ports, used up, and used again towards another port", show_ephemeral},
    {"localhost", "127.0.0.1, [::1], 0.0.0.0 and a name: who can reach what", show_localhost},
    {"backlog", "a server that never accepts, and what its clients see", show_backlog},
    {"notes", "twenty claims about ports, tried; polyport demo notes 14 tries one", show_all_notes},
});

int list_demos() {
  std::string text = "Lessons about ports, each really happening on this machine:\n\n";
  for (const Demo& demo : kDemos)
    text += hanging("  " + std::string(demo.name), demo.about, 14);
  return answer(text + "\npolyport demo NAME shows one.\n", kExitOk);
}

int no_such_demo(const std::string& wanted) {
  std::vector<std::string_view> names;
  for (const Demo& demo : kDemos)
    names.push_back(demo.name);
  const std::string hint = did_you_mean(wanted, names);
  std::fprintf(stderr, "polyport demo: no demo is called %s (%s)\n", quoted(wanted).c_str(),
               hint.empty() ? "polyport demo lists them" : hint.c_str());
  return kExitUsage;
}

int wrong_note(const DemoOptions& options) {
  if (options.name != "notes") {
    std::fprintf(stderr, "polyport demo: only notes takes a number\n");
  } else {
    std::fprintf(stderr, "polyport demo notes: there is no claim %u, only 1 to %u\n", *options.note,
                 count_notes());
  }
  return kExitUsage;
}

// Each step is seen when it happens. A demo that cannot be read goes on all
// the same: it cleans up at its end.
class Page {
 public:
  void write(std::string_view lines) {
    if (error_ == 0 && !write_output(lines)) error_ = errno;
  }
  int end(int exit_code) const {
    if (error_ == 0) return exit_code;
    errno = error_;
    return unwritten();
  }

 private:
  int error_ = 0;
};

}  // namespace

int run_command(const DemoOptions& options) {
  if (options.name.empty()) return list_demos();
  const Demo* chosen = nullptr;
  for (const Demo& demo : kDemos) {
    if (demo.name == options.name) chosen = &demo;
  }
  if (chosen == nullptr) return no_such_demo(options.name);
  const bool notes = chosen->name == "notes";
  if (options.note && (!notes || *options.note < 1 || *options.note > count_notes())) {
    return wrong_note(options);
  }
  const bool pauses = Terminal::is_terminal(STDOUT_FILENO) && !options.fast;
  Page page;
  demo::Stage stage([&page](std::string_view lines) { page.write(lines); },
                    !pauses ? std::chrono::milliseconds(0)
                    : notes ? kShortPause
                            : kPause);
  RealLab lab;
  if (options.note) {
    show_notes(stage, lab, options.note);
  } else {
    chosen->show(stage, lab);
  }
  return page.end(stage.exit_code());
}

}  // namespace polyport
