// The options of [server]: what concerns the process and no service.
#pragma once

#include <span>

#include "core/settings/option.h"

namespace polyport {

std::span<const OptionSpec> server_options();

inline constexpr int kMaxWorkers = 64;

}  // namespace polyport
