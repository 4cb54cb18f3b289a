// The metrics of a host as Prometheus text. Only the writing: the figures are collected by the
// host.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/service.h"

namespace polyport {

struct MetricsPage {
  struct Closed {
    std::string_view service;
    CloseReason reason;
    std::uint64_t count;
  };
  std::vector<ServiceStatus> services;
  std::vector<Closed> closed;
  std::uint64_t log_dropped = 0;
  std::uint64_t turns = 0;
  std::uint64_t descriptor_bursts = 0;
  std::string_view version;
  LoadStatus load;
};

void write_metrics_page(const MetricsPage& page, std::string& out);

}  // namespace polyport
