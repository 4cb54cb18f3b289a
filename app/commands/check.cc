#include "app/commands/check.h"

#include <cstdio>

#include "app/commands/exit_code.h"
#include "app/report.h"

namespace polyport {

int run_check(const CheckOptions& options) {
  return print_check(load_configuration(options.configuration));
}

int print_check(const Configuration& configuration) {
  if (!configuration.usage.empty()) {
    print_findings(stderr, configuration.usage);
    return kExitUsage;
  }
  const Errors& errors = configuration.errors;
  const Errors& warnings = configuration.warnings;
  print_findings(stdout, errors, warnings);
  const bool clean = errors.empty() && warnings.empty();
  const std::string verdict = clean ? "ok" : count_findings(errors.size(), warnings.size());
  std::printf("%s: %s\n", configuration.name.c_str(), verdict.c_str());
  return errors.empty() ? kExitOk : kExitNo;
}

}  // namespace polyport
