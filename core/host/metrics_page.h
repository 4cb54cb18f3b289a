// The metrics of a host as Prometheus text. Only the writing: the figures are collected by the
// host.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/host/report.h"

namespace polyport {

// `workers`: of a program that has several; else none.
void write_metrics_page(const HostReport& report, std::span<const WorkerStatus> workers,
                        std::string_view version, std::string& out);

}  // namespace polyport
