// Configuration: from the arguments of `run` or `check` to checked values and a plan for the host.
//
// Lays the environment and --set over the text, and what only makes sense for one start: --only and
// --offset. Everything that is wrong is found at once; nothing is opened.
#pragma once

#include <string>
#include <vector>

#include "app/development_tls.h"
#include "core/host/host.h"
#include "core/observe/log.h"

namespace polyport {

struct ConfigurationOptions {
  std::vector<std::string> what;  // see read_source
  std::vector<std::string> set;   // "PATH=VALUE"
  std::vector<std::string> only;  // names of services; empty: all
  int offset = 0;                 // added to every port from 1024 up
};

struct Configuration {
  std::string name;  // of the source, for messages
  std::vector<ServicePlan> plans;
  HostOptions host;
  Log::Options log;
  std::string state_dir;
  DevelopmentTls development_tls;
  Errors usage;  // the command line itself is wrong (exit 2); nothing else was looked at
  Errors errors;
  Errors warnings;

  bool ok() const { return usage.empty() && errors.empty(); }
};

// What to type to start the same again, but for --offset: "polyport run 'my dir/my.toml'".
std::string start_command(const ConfigurationOptions& options);
// The same for another command that takes a configuration: "polyport ca 'my dir/my.toml'".
std::string command_for(std::string_view command, const ConfigurationOptions& options);

Configuration load_configuration(const ConfigurationOptions& options);

// Adds `offset` to the ports of an endpoint, as --offset does. Ports below 1024 and port 0 stay.
Result<Endpoint> shifted(const Endpoint& endpoint, int offset);

}  // namespace polyport
