// Report: what a swarm has to say when it is over, as text and as JSON, and beside an earlier one.
#pragma once

#include <optional>
#include <string>

#include "app/commands/swarm/own_load.h"
#include "app/commands/swarm/plan.h"
#include "app/commands/swarm/tally.h"
#include "core/base/json_value.h"

namespace polyport::swarm {

struct Report {
  const Plan& plan;
  const Tally& tally;
  OwnUse own;

  bool lost() const { return tally.lost_more_than(plan.options.allowed_loss); }
  // Why the swarm itself was what kept the figures low; empty where it was not.
  std::string own_limit() const;
};

// An earlier report, read from a file that --json wrote.
Result<JsonValue> read_report(const std::string& path);

std::string report_text(const Report& report);
std::string report_json(const Report& report);
// How this run stands to the earlier one: a table, each row with both figures and their ratio.
std::string comparison_text(const Report& report, const JsonValue& earlier);

}  // namespace polyport::swarm
