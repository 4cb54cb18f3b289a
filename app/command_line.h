// The command line: from argv to one plain struct. The one file behind it names CLI11.
#pragma once

#include <optional>
#include <variant>

#include "app/commands/bind_matrix.h"
#include "app/commands/ca.h"
#include "app/commands/check.h"
#include "app/commands/connect.h"
#include "app/commands/demo.h"
#include "app/commands/explain.h"
#include "app/commands/healthcheck.h"
#include "app/commands/measure.h"
#include "app/commands/ports.h"
#include "app/commands/run.h"
#include "app/commands/services.h"
#include "app/commands/swarm.h"
#include "app/commands/version.h"
#include "app/commands/worker.h"

namespace polyport {

using Command =
    std::variant<RunOptions, CheckOptions, ExplainOptions, PortsOptions, ServicesOptions,
                 ConnectOptions, HealthcheckOptions, SwarmOptions, MeasureOptions,
                 BindMatrixOptions, DemoOptions, CaOptions, VersionOptions, WorkerOptions>;

struct CommandLine {
  std::optional<Command> command;  // empty: all was said already (help, or an error)
  int exit_code = 0;               // then
};

// Prints help on standard output and errors on standard error; every error is exit code 2.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace polyport
