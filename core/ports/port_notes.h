// What is worth saying of one planned endpoint by itself: its ports are lent to others, need a
// privilege, or are known for something else; its address or its path cannot serve.
#pragma once

#include "core/ports/static_conflicts.h"

namespace polyport {

void add_port_notes(const PlannedEndpoint& endpoint, const MachineFacts& facts,
                    StaticFindings& findings);

}  // namespace polyport
