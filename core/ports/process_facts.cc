#include "core/ports/process_facts.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::size_t kShownCommandBytes = 200;
constexpr std::size_t kShownNameBytes = 100;

// --- cgroups -------------------------------------------------------------------------------------
// A container runtime puts each container into a cgroup named by its id: 64 hexadecimal digits,
// alone (cgroupfs) or as "docker-ID.scope" (systemd).
constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kShownIdDigits = 12;

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct RuntimeRow {
  std::string_view prefix;
  std::string_view name;
};
constexpr std::array kRuntimes = std::to_array<RuntimeRow>({
    {"libpod", "podman"},
    {"libpod-payload", "podman"},
    {"libpod-conmon", "podman"},
    {"cri-containerd", "containerd"},
    {"nerdctl", "containerd"},
    {"crio", "cri-o"},
    {"crio-conmon", "cri-o"},
});

// What stands before the id, as people call it: "docker".
std::string_view runtime_name(std::string_view prefix) {
  const auto row = std::find_if(kRuntimes.begin(), kRuntimes.end(),
                                [&](const RuntimeRow& each) { return each.prefix == prefix; });
  return row == kRuntimes.end() ? prefix : row->name;
}

std::string shown(std::string_view name) {
  return printable(name, kShownNameBytes);
}

std::string shown_container(std::string_view runtime, std::string_view id) {
  return shown(runtime) + " " + std::string(id.substr(0, kShownIdDigits));
}

// The container that one part of a path names, given the part before it; empty where it is none.
std::string container_of(std::string_view part, std::string_view parent, bool in_kubernetes) {
  constexpr std::string_view kScope = ".scope";
  if (part.ends_with(kScope)) part.remove_suffix(kScope.size());
  if (is_id(part)) {
    if (parent == "docker") return shown_container("docker", part);
    return shown_container(in_kubernetes ? "kubernetes" : "container", part);
  }
  if (part.size() > kIdDigits + 1 && is_id(part.substr(part.size() - kIdDigits))) {
    // "docker-ID", or "kubepods-burstable-podUID.slice:cri-containerd:ID"
    std::string_view prefix = part.substr(0, part.size() - kIdDigits - 1);
    prefix.remove_prefix(prefix.rfind(':') + 1);  // npos + 1 is 0
    return shown_container(runtime_name(prefix), part.substr(part.size() - kIdDigits));
  }
  for (const std::string_view prefix : {"lxc.payload.", "lxc.monitor."}) {
    if (part.starts_with(prefix)) return "lxc " + shown(part.substr(prefix.size()));
  }
  if (parent == "lxc" || parent == "lxc.payload" || parent == "lxc.monitor") {
    return "lxc " + shown(part);
  }
  return {};
}

bool is_unit(std::string_view part) {
  return part.ends_with(".service") || part.ends_with(".scope");
}

// A scope that a login, a desktop or a terminal makes round whatever a person starts: stopping it
// stops more than was asked about.
bool tells_nothing(std::string_view unit) {
  if (!unit.ends_with(".scope")) return unit.starts_with("user@");
  for (const std::string_view prefix :
       {"init.", "session-", "app-", "vte-spawn-", "tmux-spawn-", "gnome-launched-", "snap."}) {
    if (unit.starts_with(prefix)) return true;
  }
  return false;
}

CgroupFacts facts_of_path(std::string_view path) {
  CgroupFacts facts;
  std::string_view parent;
  std::string_view unit;
  bool below_user = false;
  bool in_kubernetes = false;
  for (const std::string_view part : split(path, '/')) {
    if (part.empty()) continue;
    in_kubernetes = in_kubernetes || part.starts_with("kubepods");
    facts.container = container_of(part, parent, in_kubernetes);
    if (!facts.container.empty()) break;  // units below it are the container's own
    below_user = below_user || unit.starts_with("user@");
    if (is_unit(part)) unit = part;
    parent = part;
  }
  // Containers are stopped by their runtime, except where a unit was written to run one (podman).
  const bool runs_container = facts.container.starts_with("podman ") && unit.ends_with(".service");
  if (tells_nothing(unit) || (!facts.container.empty() && !runs_container)) return facts;
  facts.unit = shown(unit);
  facts.user_unit = below_user && !unit.empty();
  return facts;
}

}  // namespace

std::optional<StatFacts> parse_stat(std::string_view text) {
  // The name may hold anything, parentheses and blanks too; it ends at the last ')'.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  constexpr std::size_t kFirst = 3;  // the field after the name, as proc(5) counts
  constexpr std::size_t kParent = 4;
  constexpr std::size_t kStartTime = 22;
  const std::vector<std::string_view> fields = split(trim(text.substr(close + 1)), ' ');
  if (fields.size() <= kStartTime - kFirst) return std::nullopt;
  const auto ticks = parse_number<std::uint64_t>(fields[kStartTime - kFirst]);
  if (!ticks) return std::nullopt;
  const auto parent = parse_number<int>(fields[kParent - kFirst], 0);
  return StatFacts{text.substr(open + 1, close - open - 1), *ticks, parent.value_or(0)};
}

std::optional<std::uint32_t> parse_status_uid(std::string_view text) {
  constexpr std::string_view kLine = "\nUid:\t";  // real, effective, saved, of the file system
  const std::size_t at = text.find(kLine);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + kLine.size());
  const std::vector<std::string_view> uids = split(rest.substr(0, rest.find('\n')), '\t');
  return uids.size() < 2 ? std::nullopt : parse_number<std::uint32_t>(uids[1]);
}

std::string command_text(Bytes cmdline) {
  while (!cmdline.empty() && (cmdline.back() == '\0' || cmdline.back() == ' '))
    cmdline.remove_suffix(1);  // programs that rewrite their title leave a tail
  // One byte more than is shown, so that it is seen that there was more.
  std::string text(cmdline.substr(0, kShownCommandBytes + 1));
  std::replace(text.begin(), text.end(), '\0', ' ');
  return printable(text, kShownCommandBytes);
}

CgroupFacts parse_cgroup(std::string_view text) {
  CgroupFacts answer;
  for (const std::string_view line : split(text, '\n')) {
    // "0::/system.slice/x.service" of version 2, "4:memory:/docker/ID" of version 1
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const CgroupFacts facts = facts_of_path(line.substr(second + 1));
    if (answer.container.empty()) answer.container = facts.container;
    // Only these two lines hold systemd's tree.
    if (!controllers.empty() && controllers != "name=systemd") continue;
    if (!answer.unit.empty() || facts.unit.empty()) continue;
    answer.unit = facts.unit;
    answer.user_unit = facts.user_unit;
  }
  return answer;
}

std::optional<std::uint64_t> parse_socket_link(std::string_view link) {
  constexpr std::string_view kBegin = "socket:[";
  if (!link.starts_with(kBegin) || !link.ends_with(']')) return std::nullopt;
  link.remove_prefix(kBegin.size());
  link.remove_suffix(1);
  return parse_number<std::uint64_t>(link);
}

}  // namespace polyport
