#include "app/commands/version.h"

#include <cstdio>
#include <string>

#include "app/build_info.h"
#include "app/commands/exit_code.h"
#include "app/state_dir.h"
#include "app/types.h"

namespace polyport {
namespace {

void print_line(const char* what, std::string_view value) {
  std::printf("  %-14s %s\n", what, std::string(value).c_str());
}

}  // namespace

int run_command(const VersionOptions& options) {
  std::printf("polyport %s\n", std::string(version()).c_str());
  if (options.detail == VersionOptions::Detail::kVerbose) {
    print_line("compiler", compiler());
    print_line("build", build_type());
    for (const Library& library : libraries()) {
      print_line(std::string(library.name).c_str(), library.version);
    }
    std::string services;
    for (const ServiceType* type : service_types()) {
      services.append(services.empty() ? "" : " ").append(type->name);
    }
    print_line("services", services);
    const std::string state = state_dir_path("");
    print_line("state",
               state.empty() ? "in memory: neither XDG_STATE_HOME nor HOME is set" : state);
  }
  return kExitOk;
}

}  // namespace polyport
