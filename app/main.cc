// main: prepares the process, reads the command line, runs the command.
#include <variant>

#include "app/command_line.h"
#include "app/process.h"

namespace {

using namespace polyport;

int run_command(const RunOptions& options) {
  return run_server(options);
}
int run_command(const CheckOptions& options) {
  return run_check(options);
}
int run_command(const ExplainOptions& options) {
  return run_explain(options);
}
int run_command(const PortsOptions& options) {
  return run_ports(options);
}
int run_command(const ServicesOptions& options) {
  return run_services(options);
}
int run_command(const ConnectOptions& options) {
  return run_connect(options);
}
int run_command(const VersionOptions& options) {
  return run_version(options);
}
int run_command(const HealthcheckOptions& options) {
  return run_healthcheck(options.url, options.timeout);
}
int run_command(const BindMatrixOptions& options) {
  return run_bind_matrix(options);
}
int run_command(const DemoOptions& options) {
  return run_demo(options);
}

}  // namespace

int main(int argc, char** argv) {
  keep_standard_descriptors();
  ignore_broken_pipes();
  const CommandLine line = parse_command_line(argc, argv);
  if (!line.command) return line.exit_code;
  return std::visit([](const auto& options) { return run_command(options); }, *line.command);
}
