// What to do about the path of a unix socket that cannot be bound: as suggestions(), for paths.
#pragma once

#include <vector>

#include "core/ports/explanation.h"
#include "core/ports/port_facts.h"

namespace polyport {

// Looks at the file system, and changes nothing there.
std::vector<Suggestion> path_suggestions(const Explanation& explanation, const PortFacts& facts);

}  // namespace polyport
