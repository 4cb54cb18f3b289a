#include "core/ports/unix_path.h"

#include <sys/un.h>

#include <algorithm>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;  // 107, and its NUL

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

bool is_control(char letter) {
  return (letter >= 0 && letter < ' ') || letter == 0x7F;
}

// "x/", ".", "x/..": whatever stands there, it is a directory.
bool names_directory(std::string_view path) {
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last.empty() || last == "." || last == "..";
}

}  // namespace

Result<std::string> check_unix_path(std::string_view text) {
  std::string_view path = text;
  if (path.starts_with("//")) {
    path.remove_prefix(2);
    if (!path.starts_with('/')) {
      return bad("unix:// needs an absolute path, not " + quoted(path, 60),
                 "unix:///run/x.sock is absolute, unix:x.sock is relative");
    }
  }
  if (path.empty()) return bad("unix: has no path", "for example unix:///run/polyport/echo.sock");
  const std::string shown = "the unix path " + quoted(path, 60);
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return bad(shown + " has a control character in it");
  }
  const bool abstract = path.front() == '@';
  if (abstract && path.size() == 1) return bad("unix:@ has no name", "for example unix:@echo");
  if (!abstract && names_directory(path)) {
    return bad(shown + " names a directory", "add the name of the socket");
  }
  // The shell replaces neither behind "unix:", and nobody does in a file.
  if (path.starts_with("~/") || path.front() == '$') {
    return bad(shown + " begins with " + std::string(path.substr(0, path.find('/'))) +
                   ", which nobody replaces here",
               "write the folder in full, or ./" + printable(path, 60) + " for one of that name");
  }
  // The leading @ stands for the NUL that marks an abstract name, which takes its byte too.
  const std::size_t longest = abstract ? kLongestPath + 1 : kLongestPath;
  if (path.size() > longest) {
    return bad("the unix path is " + std::to_string(path.size()) + " bytes long, " +
                   std::to_string(longest) + " are possible",
               "take a shorter folder, or a path relative to the working directory");
  }
  return std::string(path);
}

}  // namespace polyport
