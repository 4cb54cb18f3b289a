// How to stop whoever holds a port, where that is safe.
#pragma once

#include <optional>

#include "core/ports/explanation.h"

namespace polyport {

// Nothing for a connection, a service of this process, an unknown process, and one that must not be
// stopped (core/ports/unstoppable.h). `port`: the one that it holds; 0: a path. `root`: whether
// this user is.
std::optional<Suggestion> way_to_stop(const Holder& holder, int port, bool root);

}  // namespace polyport
