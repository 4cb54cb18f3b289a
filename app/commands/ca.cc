#include "app/commands/ca.h"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "app/commands/exit_code.h"
#include "app/output.h"
#include "app/report.h"
#include "app/state_dir.h"
#include "core/base/state_folder.h"

namespace polyport {
namespace {

int exit_code_of(const Error& error) {
  if (error.code == ErrorCode::kNotFound) return kExitNo;
  return error.code == ErrorCode::kNotPermitted ? kExitNotPermitted : kExitFailed;
}

// A CA that would end with this command is none to be trusted.
Result<void> make(const std::string& state_dir, const DevelopmentTls& settings) {
  auto made = development_certificate(state_dir, settings);
  if (!made) return tl::unexpected(std::move(made.error()));
  if (made->not_stored) return tl::unexpected(std::move(*made->not_stored));
  return {};
}

Result<DevelopmentCa> find(const CaOptions& options, const Configuration& configuration) {
  const std::string state_dir = state_dir_path(configuration.state_dir);
  if (options.make) {
    if (auto made = make(state_dir, configuration.development_tls); !made) {
      return tl::unexpected(std::move(made.error()));
    }
  }
  auto ca = development_ca(state_dir);
  if (!ca && ca.error().code == ErrorCode::kNotFound) {
    return failure(ErrorCode::kNotFound, "there is no development CA yet", ca.error().where,
                   "the first start with [server.tls] auto = true makes it, or polyport ca --make");
  }
  return ca;
}

int print_pem(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) {
    std::fprintf(stderr, "polyport ca: %s cannot be read\n", path.c_str());
    return kExitFailed;
  }
  return answer(text.str(), kExitOk);
}

}  // namespace

int run_command(const CaOptions& options) {
  const Configuration configuration = load_configuration(options.configuration);
  if (!configuration.ok()) {
    print_findings(stderr, configuration.usage);
    print_findings(stderr, configuration.errors);
    return configuration.usage.empty() ? kExitNo : kExitUsage;
  }
  const auto ca = find(options, configuration);
  if (!ca) {
    print_findings(stderr, {ca.error()});
    return exit_code_of(ca.error());
  }
  if (options.format == CaOptions::Format::kPem) return print_pem(ca->path);
  if (options.format == CaOptions::Format::kPath) return answer(ca->path + "\n", kExitOk);
  return answer(trust_text(*ca), kExitOk);
}

}  // namespace polyport
