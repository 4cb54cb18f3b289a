// polyport ca: the development CA, and how to trust it.
#pragma once

#include "app/configuration.h"

namespace polyport {

struct CaOptions {
  enum class Format { kText, kPem, kPath };
  ConfigurationOptions configuration;  // whose state directory; nothing: the demo's
  Format format = Format::kText;
  bool make = false;  // it, and its certificate, where there are none yet
};

int run_command(const CaOptions& options);

}  // namespace polyport
