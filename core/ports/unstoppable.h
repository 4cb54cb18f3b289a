// Processes that must not be ended because of a port: the system stands on them, people are logged
// in through them, or they only hold it for somebody else.
#pragma once

#include <cstdint>
#include <optional>

#include "core/ports/processes.h"

namespace polyport {

// Whose port it is that the process holds.
enum class HoldsFor : std::uint8_t {
  kItself,
  kDocker,  // a container's: `docker ps` shows which
  kPodman,
  kUnits,  // process 1: that of a .socket unit
};

// Nothing for a process that may be stopped.
std::optional<HoldsFor> unstoppable(const Process& process);

}  // namespace polyport
