// Several connections at once: opened one after another, held together, closed together.
#pragma once

#include <chrono>
#include <cstdint>

#include "app/commands/connect/dial.h"

namespace polyport {

enum class Until : std::uint8_t { kInputEnds, kInterrupted };

// Prints a line for each. Nothing is sent; what arrives is counted and dropped. Stops at the first
// connection that cannot be had. Returns the exit code.
int hold_many(const Destination& destination, std::uint32_t count, std::chrono::milliseconds wait,
              Until until);

}  // namespace polyport
