// health: the pages a probe, a scraper or a load balancer asks for. Read-only; shows no peers.
#pragma once

#include "core/service.h"

namespace polyport {
extern const ServiceType health_type;
}  // namespace polyport
