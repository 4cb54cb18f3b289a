#include "app/state_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace polyport {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<void> no_directory(const std::string& path, int error) {
  return failure(error == EACCES || error == EROFS ? ErrorCode::kNotPermitted : ErrorCode::kSystem,
                 std::string("cannot write the state directory: ") + std::strerror(error), path,
                 "set [server] state_dir to a directory of your own");
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

Result<void> make_state_dir(const std::string& path) {
  if (path.empty()) return no_directory("state_dir", ENOENT);
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return no_directory(path, errno);
    if (end == std::string::npos) break;
  }
  if (::access(path.c_str(), W_OK | X_OK) != 0) return no_directory(path, errno);
  return {};
}

}  // namespace polyport
