#include "app/worker_notes.h"

#include "core/host/instance.h"

namespace polyport {

std::vector<std::string> worker_notes(const Workers& workers,
                                      const std::vector<ServicePlan>& plans) {
  std::vector<std::string> notes;
  if (!workers.why.empty()) {
    notes.push_back("workers = \"auto\" is " + std::to_string(workers.count) +
                    " here: " + workers.why);
  }
  if (workers.count == 1) return notes;
  for (const ServicePlan& plan : plans) {
    if (!plan.values.boolean("enabled") || !is_pinned(*plan.type, plan.values)) continue;
    notes.push_back(plan.name +
                    " is served by worker 0 alone: its clients share what one process "
                    "holds");
  }
  return notes;
}

}  // namespace polyport
