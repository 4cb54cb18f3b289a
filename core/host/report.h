// HostReport: what the services of one process are and have done, as figures that can be added up.
//
// A worker sends its own to the supervisor, which shows the sum of all. Of a worker that is gone
// the counters stay in the sum, so that none ever falls; what was open with it is gone with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/service.h"

namespace polyport {

struct HostReport {
  std::vector<ServiceStatus> services;
  ProcessStatus process;
  LoadStatus load;  // of the loop; what is of the machine is whose who answers
  std::uint64_t log_dropped = 0;
  // For the line of one worker; nobody wants their sum.
  std::uint64_t accepted = 0;  // connections, of all listeners
  std::uint64_t resident_bytes = 0;
};

// The figures alone: what a service is, the other side knows.
std::string report_text(const HostReport& report);
// Nothing where it is no report.
std::optional<HostReport> read_report(std::string_view text);

// Adds the figures of `part` to the services of `sum` that have the same names and listeners.
// Upstreams are found by their id, and added where they are not there yet. Limits stay those of
// `sum`: they are divided among the workers.
void add_report(HostReport& sum, const HostReport& part);
// Leaves the counters, and takes away what is open now.
void forget_open(HostReport& report);

}  // namespace polyport
