#include "core/host/processors.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "core/base/text.h"
#include "core/ports/proc_file.h"

namespace polyport {

namespace {

constexpr std::size_t kMostBytes = 1 << 20;
constexpr int kMostLevels = 64;  // of control groups above each other

bool has_word(std::string_view list, std::string_view word) {
  const std::vector<std::string_view> words = split(list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// A control group's folder: where the hierarchy is mounted, and the way down from there.
struct Place {
  std::string mount;
  std::string below;  // "" or "/a/b"
};

// mountinfo writes spaces and the like as three octal digits.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size();
    if (!escaped) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return plain;
}

// What of `path` lies below `root`. A group that is outside of what is mounted is not to be seen:
// the mount itself is the nearest that is.
std::string below(std::string_view path, std::string_view root) {
  if (root == "/") return path == "/" ? std::string() : std::string(path);
  if (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/')) {
    return std::string(path.substr(root.size()));
  }
  return {};
}

// One line of /proc/self/mountinfo (proc(5)), where it is the hierarchy with the cpu controller.
std::optional<Place> place_on(std::string_view line, bool second, std::string_view path) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const std::vector<std::string_view> before = split(line.substr(0, dash), ' ');
  const std::vector<std::string_view> behind = split(line.substr(dash + 3), ' ');
  if (before.size() < 5 || behind.size() < 3) return std::nullopt;
  const bool right =
      second ? behind[0] == "cgroup2" : behind[0] == "cgroup" && has_word(behind[2], "cpu");
  if (!right) return std::nullopt;
  return Place{unescaped(before[4]), below(path, unescaped(before[3]))};
}

// "150000 100000", or "max 100000".
std::optional<double> quota_of_second(const ReadFile& read, const std::string& folder) {
  const auto text = read(folder + "/cpu.max");
  if (!text) return std::nullopt;
  const std::vector<std::string_view> words = split(trim(*text), ' ');
  if (words.size() != 2) return std::nullopt;
  const auto quota = parse_number<std::int64_t>(words[0], 1);
  const auto period = parse_number<std::int64_t>(words[1], 1);
  if (!quota || !period) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> quota_of_first(const ReadFile& read, const std::string& folder) {
  const auto quota_text = read(folder + "/cpu.cfs_quota_us");
  const auto period_text = read(folder + "/cpu.cfs_period_us");
  if (!quota_text || !period_text) return std::nullopt;
  const auto quota = parse_number<std::int64_t>(trim(*quota_text), 1);  // -1: none
  const auto period = parse_number<std::int64_t>(trim(*period_text), 1);
  if (!quota || !period) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// Every group from this one up to the top may have one, and all of them hold.
std::optional<double> least_quota(const ReadFile& read, Place place, bool second) {
  std::optional<double> least;
  for (int level = 0; level < kMostLevels; ++level) {
    const std::string folder = place.mount + place.below;
    const auto quota = second ? quota_of_second(read, folder) : quota_of_first(read, folder);
    if (quota) least = std::min(least.value_or(*quota), *quota);
    if (place.below.empty()) break;
    place.below.resize(place.below.rfind('/'));
  }
  return least;
}

// "1.5", "2"
std::string short_number(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", number);
  std::string plain = text;
  plain.erase(plain.find_last_not_of('0') + 1);
  if (plain.ends_with('.')) plain.pop_back();
  return plain;
}

}  // namespace

std::optional<double> processor_quota(const ReadFile& read) {
  const auto groups = read("/proc/self/cgroup");
  const auto mounts = read("/proc/self/mountinfo");
  if (!groups || !mounts) return std::nullopt;
  std::optional<double> least;
  for (const std::string_view line : split(*groups, '\n')) {
    // "0::/system.slice/x" is the second generation's, "4:cpu,cpuacct:/x" of the first.
    const std::size_t first = line.find(':');
    const std::size_t next = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (next == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, next - first - 1);
    const bool second = controllers.empty();
    if (!second && !has_word(controllers, "cpu")) continue;
    const std::string_view path = line.substr(next + 1);
    if (!path.starts_with('/')) continue;
    for (const std::string_view mount : split(*mounts, '\n')) {
      const auto place = place_on(mount, second, path);
      if (!place) continue;
      const auto quota = least_quota(read, *place, second);
      if (quota) least = std::min(least.value_or(*quota), *quota);
    }
  }
  return least;
}

int processors_in_mask() {
  constexpr std::size_t kMostProcessors = 8192;
  cpu_set_t* const set = CPU_ALLOC(kMostProcessors);
  if (set == nullptr) return 1;
  const std::size_t bytes = CPU_ALLOC_SIZE(kMostProcessors);
  CPU_ZERO_S(bytes, set);
  const bool told = ::sched_getaffinity(0, bytes, set) == 0;
  const int count = told ? CPU_COUNT_S(bytes, set) : 1;
  CPU_FREE(set);
  return std::max(count, 1);
}

int usable_processors(int in_mask, std::optional<double> quota) {
  const double most = std::max(in_mask, 1);
  return static_cast<int>(std::max(1.0, std::min(most, std::ceil(quota.value_or(most)))));
}

Processors usable_processors() {
  const auto read = [](const std::string& path) {
    return read_proc_file(AT_FDCWD, path.c_str(), kMostBytes);
  };
  const int in_mask = processors_in_mask();
  const auto quota = processor_quota(read);
  Processors found{.usable = usable_processors(in_mask, quota), .why = {}};
  found.why = std::to_string(in_mask) + (in_mask == 1 ? " processor" : " processors");
  if (quota && *quota < in_mask) {
    found.why += ", of which the control group allows " + short_number(*quota);
  }
  return found;
}

}  // namespace polyport
