// The command itself: ask, run the tool, ask again, judge.
#include "app/commands/measure.h"

#include "app/commands/connect/console.h"
#include "app/commands/exit_code.h"
#include "app/commands/measure/report.h"
#include "app/commands/measure/tool.h"
#include "app/commands/measure/watcher.h"
#include "app/http_get.h"
#include "app/output.h"
#include "core/base/text.h"

namespace polyport {
namespace {

int refuse(Error error, const std::string& where, int exit_code) {
  if (error.where.empty()) error.where = printable(where, 100);
  say("polyport measure: " + error.text() + "\n");
  return exit_code;
}

Error with_hint(Error error) {
  if (error.hint.empty()) error.hint = "--target names the admin pages of a running polyport";
  return error;
}

}  // namespace

int run_command(const MeasureOptions& options) {
  const auto target = check_base_url(options.target);
  if (!target) return refuse(target.error(), "--target", kExitUsage);
  const auto before = measure::ask(*target);
  if (!before) return refuse(with_hint(before.error()), *target, kExitFailed);
  auto tool = measure::Tool::start(options.command);
  if (!tool) return refuse(tool.error(), "COMMAND", kExitUsage);
  measure::Figures figures;
  {
    measure::Watcher watcher(*target, *before);
    figures.tool = tool->wait();
    watcher.stop();
    figures.seen = watcher.seen();
  }
  const auto after = measure::ask(*target);
  if (!after) return refuse(with_hint(after.error()), *target, kExitFailed);
  auto between = after->since(*before);
  if (!between) return refuse(between.error(), *target, kExitFailed);
  figures.target = *std::move(between);
  const bool json = options.format == MeasureOptions::Format::kJson;
  return answer(
      json ? measure::report_json(options, figures) : measure::report_text(options, figures),
      figures.tool.exit_code == 0 ? kExitOk : kExitNo);
}

}  // namespace polyport
