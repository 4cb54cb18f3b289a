// admin: the JSON interface to the running process. It shows what the health pages must not.
#pragma once

#include "core/service.h"

namespace polyport {
extern const ServiceType admin_type;
}  // namespace polyport
