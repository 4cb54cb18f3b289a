// polyport services: what can be run, and with which options. Everything comes from the option
// rows.
#pragma once

#include <string>

namespace polyport {

struct ServicesOptions {
  enum class Format { kText, kJson, kReference };
  std::string type;  // empty: the list of all
  Format format = Format::kText;
};

int run_command(const ServicesOptions& options);

}  // namespace polyport
