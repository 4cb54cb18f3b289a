// polyport run: starts the services of a configuration and serves until a signal.
#pragma once

#include <optional>
#include <string>

#include "app/configuration.h"

namespace polyport {

struct RunOptions {
  // What is told on standard output: kUsual is the table, and on a terminal the connections; kJson
  // the ready line, or the explanations of a start that failed.
  enum class Talk { kUsual, kQuiet, kNarrate, kJson };
  enum class Purpose { kServe, kCheck };

  ConfigurationOptions configuration;
  Talk talk = Talk::kUsual;
  Purpose purpose = Purpose::kServe;
  std::optional<int> ready_fd;
  std::string ready_file;
};

int run_command(const RunOptions& options);

}  // namespace polyport
