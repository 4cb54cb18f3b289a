// polyport check: is this configuration right? Every error and warning at once; nothing is opened.
#pragma once

#include "app/configuration.h"

namespace polyport {

struct CheckOptions {
  ConfigurationOptions configuration;
};

int run_check(const CheckOptions& options);

// The verdict on a configuration that is loaded already, as `check` prints it.
int print_check(const Configuration& configuration);

}  // namespace polyport
