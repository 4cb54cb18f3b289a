// main: prepares the process, reads the command line, runs the command.
#include <variant>

#include "app/command_line.h"
#include "app/process.h"

int main(int argc, char** argv) {
  polyport::keep_standard_descriptors();
  polyport::ignore_broken_pipes();
  const polyport::CommandLine line = polyport::parse_command_line(argc, argv);
  if (!line.command) return line.exit_code;
  return std::visit([](const auto& options) { return run_command(options); }, *line.command);
}
