#include "app/commands/version.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "app/build_info.h"
#include "app/commands/exit_code.h"
#include "app/output.h"
#include "app/state_dir.h"
#include "app/types.h"

namespace polyport {
namespace {

std::string line(std::string_view what, std::string_view value) {
  constexpr std::size_t kValueColumn = 17;
  std::string text = "  " + std::string(what) + " ";
  text.resize(std::max(kValueColumn, text.size()), ' ');
  return text.append(value) + "\n";
}

std::string details() {
  std::string text = line("compiler", compiler()) + line("build", build_type());
  for (const Library& library : libraries())
    text += line(library.name, library.version);
  std::string services;
  for (const ServiceType* type : service_types()) {
    services.append(services.empty() ? "" : " ").append(type->name);
  }
  text += line("services", services);
  const std::string state = state_dir_path("");
  return text + line("state", state.empty() ? "in memory: neither XDG_STATE_HOME nor HOME is set"
                                            : std::string_view(state));
}

}  // namespace

int run_command(const VersionOptions& options) {
  std::string text = "polyport " + std::string(version()) + "\n";
  if (options.detail == VersionOptions::Detail::kVerbose) text += details();
  return answer(text, kExitOk);
}

}  // namespace polyport
