// What each worker may have of a limit that bounds the whole program.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/error.h"
#include "core/host/host.h"

namespace polyport {

// Rounded up, so that together they may have a little more and nobody has nothing. 0, which is no
// limit, stays 0.
constexpr std::uint64_t share_of(std::uint64_t limit, int workers) {
  const auto count = static_cast<std::uint64_t>(workers);
  return limit / count + (limit % count == 0 ? 0 : 1);
}

// Sets a service's limits to the share that one of the workers has.
void share_limits(ServicePlan& plan, int workers);

// Whether a process that has `at_rest` bytes without any client may take one under this
// memory_limit.
constexpr bool is_memory_for_clients(std::uint64_t limit, std::uint64_t at_rest) {
  return at_rest <= limit / 8 * 7;
}
// The end of a sentence about a limit of which that is not true.
std::string too_little(std::uint64_t at_rest);
// The same of a share of it.
Error share_too_small(std::uint64_t share, std::uint64_t at_rest, int workers);

}  // namespace polyport
