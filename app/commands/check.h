// polyport check: is this configuration right, and will this machine bear it? Every error and
// warning at once. Nothing is opened, unless what is taken now is asked for too.
#pragma once

#include "app/configuration.h"

namespace polyport {

struct CheckOptions {
  enum class Format { kText, kJson };

  ConfigurationOptions configuration;
  Format format = Format::kText;
  bool live = false;  // what is taken now too: each socket is bound for a moment
};

int run_command(const CheckOptions& options);

// The verdict on a configuration that is loaded already, as `check` prints it.
int print_check(const Configuration& configuration);

}  // namespace polyport
