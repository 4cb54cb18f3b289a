// The endpoints of a loaded configuration, each with its place and with what it stands for on this
// machine: what `check` judges.
#pragma once

#include <span>
#include <vector>

#include "core/host/host.h"
#include "core/ports/static_conflicts.h"

namespace polyport {

struct PlannedEndpoints {
  std::vector<PlannedEndpoint> endpoints;  // of enabled services, in the order they would be opened
  Errors errors;                           // of names that could not be looked up
  Errors notes;                            // "IPv6 is off on this machine: …", each once
};

// Looks up host names, each once, which may block; opens no socket where there are none.
PlannedEndpoints plan_endpoints(std::span<const ServicePlan> plans, Families families);

}  // namespace polyport
