#include "services/chat/lock_holder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "core/base/text.h"
#include "core/ports/proc_file.h"

namespace polyport::services::chat {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

// "1: POSIX  ADVISORY  WRITE 4711 08:01:131 1073741824 1073742335": proc(5).
std::optional<pid_t> pid_in(std::string_view line, const std::string& file) {
  const auto words = words_of(line);
  if (words.size() < 6 || words[1] == "->" || words[1] != "POSIX" || words[5] != file) {
    return std::nullopt;
  }
  return parse_number(words[4], pid_t{1}, pid_t{1} << 30);
}

std::string hex2(unsigned value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned rest = value; rest != 0 || text.size() < 2; rest /= 16)
    text.insert(text.begin(), kDigits[rest % 16]);
  return text;
}

}  // namespace

std::string holder_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  const std::string file = hex2(major(status.st_dev)) + ":" + hex2(minor(status.st_dev)) + ":" +
                           std::to_string(status.st_ino);
  const auto locks = read_proc_file(AT_FDCWD, "/proc/locks", kMostBytes);
  if (!locks) return {};
  for (const std::string_view line : split(*locks, '\n')) {
    const auto pid = pid_in(line, file);
    if (!pid) continue;
    if (*pid == ::getpid()) return "another chat of this polyport";
    const std::string name_path = "/proc/" + std::to_string(*pid) + "/comm";
    const auto name = read_proc_file(AT_FDCWD, name_path.c_str(), 64);
    const std::string known =
        name ? " (" + printable(std::string_view(*name).substr(0, name->find('\n'))) + ")" : "";
    return "process " + std::to_string(*pid) + known;
  }
  return {};
}

}  // namespace polyport::services::chat
