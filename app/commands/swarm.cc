// The command itself: plan, run, report.
#include "app/commands/swarm.h"

#include <sys/resource.h>

#include <optional>

#include "app/commands/connect/console.h"
#include "app/commands/exit_code.h"
#include "app/commands/swarm/engine.h"
#include "app/commands/swarm/plan.h"
#include "app/commands/swarm/progress.h"
#include "app/commands/swarm/report.h"
#include "app/output.h"
#include "app/process.h"

namespace polyport {
namespace {

std::uint64_t descriptor_limit() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

int refuse(const Error& error) {
  say("polyport swarm: " + error.text() + "\n");
  return error.code == ErrorCode::kNotFound ? kExitNo : kExitUsage;
}

}  // namespace

int run_command(const SwarmOptions& options) {
  raise_descriptor_limit();
  std::optional<JsonValue> earlier;
  if (!options.compare.empty()) {
    auto read = swarm::read_report(options.compare);
    if (!read) return refuse(read.error());
    earlier = *std::move(read);
  }
  auto plan = swarm::make_plan(options, descriptor_limit());
  if (!plan) return refuse(plan.error());
  const bool json = options.format == SwarmOptions::Format::kJson;
  for (const std::string& note : plan->notes) {
    if (!json) say("note: " + note + "\n");
  }
  swarm::Engine engine(*plan);
  {
    const StopSignals signals(engine.loop(), [&engine](int) { engine.interrupt(); });
    const swarm::Progress progress(engine);
    engine.run();
  }
  const swarm::Report report{*plan, engine.tally(), engine.own().use()};
  std::string text = json ? swarm::report_json(report) : swarm::report_text(report);
  if (earlier && json) {
    say(swarm::comparison_text(report, *earlier));
  } else if (earlier) {
    text += swarm::comparison_text(report, *earlier);
  }
  return answer(text, report.lost() ? kExitNo : kExitOk);
}

}  // namespace polyport
