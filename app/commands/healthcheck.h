// polyport healthcheck: one GET, and whether its answer is 200. For HEALTHCHECK lines and probes.
#pragma once

#include <chrono>
#include <string>

#include "app/tls_trust.h"

namespace polyport {

struct HealthcheckOptions {
  std::string url = "http://localhost:9901/readyz";
  // The whole may take no longer, whatever the server does; only the look-up of a host name other
  // than localhost may.
  std::chrono::milliseconds timeout{2'000};
  TlsTrust trust;  // of https://
};

// GET of "http://host:port/path", or https://. 0 where the answer is 200; else 1 and a sentence on
// standard error.
int run_command(const HealthcheckOptions& options);

}  // namespace polyport
