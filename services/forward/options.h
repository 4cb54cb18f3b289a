// The options of a forward service, and what they must be together.
#pragma once

#include <span>

#include "core/service.h"

namespace polyport::services::forward {

std::span<const OptionSpec> option_rows();

// Upstreams that cannot be connected to, that no listener leads to, or that are the service itself.
Errors check(const OptionValues& values);

// The single endpoints that `upstream` stands for, with their places; those of datagrams or those
// of streams.
struct WrittenUpstream {
  Endpoint endpoint;
  std::string where;
};
enum class Kind : std::uint8_t { kStream, kDatagram };
std::vector<WrittenUpstream> written_upstreams(const OptionValues& values, Kind kind);

}  // namespace polyport::services::forward
