#include "app/state_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/text.h"

namespace polyport {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string state_dir_path(const std::string& configured) {
  if (!configured.empty()) return configured;
  // systemd may name several, with colons between them.
  const std::string of_unit = variable("STATE_DIRECTORY");
  if (!of_unit.empty()) return of_unit.substr(0, of_unit.find(':'));
  if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/')) {
    return state + "/polyport";  // the XDG rules: a relative path is ignored
  }
  const std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.local/state/polyport";
}

Result<void> check_state_dir(const std::string& path) {
  std::string existing = path;
  while (::access(existing.c_str(), F_OK) != 0 && errno == ENOENT) {
    const std::size_t slash = existing.rfind('/');
    if (slash == std::string::npos) {
      existing = ".";
    } else {
      existing.resize(slash == 0 ? 1 : slash);
    }
  }
  struct stat status {};
  int error = ::access(existing.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  if (error == 0 && ::stat(existing.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    error = ENOTDIR;
  }
  if (error == 0) return {};
  return failure(error == EACCES || error == EROFS ? ErrorCode::kNotPermitted : ErrorCode::kSystem,
                 std::string("cannot write the state directory: ") + std::strerror(error),
                 printable(path));
}

}  // namespace polyport
