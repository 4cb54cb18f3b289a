#include "core/ports/suggestions.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>

#include "core/base/json_writer.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr int kPorts = 65536;
constexpr std::uint16_t kFirstUserPort = 1024;

bool wants(const Remedies& remedies, const BindTarget& target) {
  return std::any_of(remedies.wanted.begin(), remedies.wanted.end(),
                     [&](const BindTarget& each) { return overlap(target, each).has_value(); });
}

BindTarget at_port(BindTarget target, int port) {
  target.address.port = static_cast<std::uint16_t>(port);
  return target;
}

bool is_free(const Remedies& remedies, const BindTarget& target) {
  return !wants(remedies, target) && remedies.is_free(target);
}

// Up to `most` ports above `first` that are free, outside the range that the kernel lends unless
// that is where one begins.
std::vector<int> free_ports_from(int first, std::size_t most, std::span<const BindTarget> group,
                                 const Remedies& remedies) {
  constexpr int kTries = 200;
  std::vector<int> found;
  const EphemeralRange& lent = remedies.facts.ephemeral;
  const bool may_be_lent = lent.contains(static_cast<std::uint16_t>(std::min(first, kPorts - 1)));
  for (int port = first; port < std::min(first + kTries, kPorts) && found.size() < most; ++port) {
    if (!may_be_lent && lent.contains(static_cast<std::uint16_t>(port))) break;
    const bool free = std::all_of(group.begin(), group.end(), [&](const BindTarget& each) {
      return is_free(remedies, at_port(each, port));
    });
    if (free) found.push_back(port);
  }
  return found;
}

// The usual unprivileged sibling of a port below 1024: 80 is 8080, 443 is 8443, 7 is 10007.
int sibling(std::uint16_t port) {
  return port == 80 || port == 443 ? port + 8000 : port + 10000;
}

// "services.web", "health": its table in the configuration.
std::string table_of(const Explanation& explanation) {
  const std::string& service = explanation.attempt.service;
  return service == "health" || service == "admin" ? service : "services." + service;
}

// Whether the attempt stands in a file that can be written to: not in the demo inside the program,
// nor on the command line.
bool has_file(const Explanation& explanation) {
  const std::string& where = explanation.attempt.where;
  const std::size_t column = where.rfind(':');
  if (column == std::string::npos || column == 0 || where.starts_with("demo:")) return false;
  const std::size_t line = where.rfind(':', column - 1);
  return line != std::string::npos && parse_number<int>(where.substr(column + 1)) &&
         parse_number<int>(where.substr(line + 1, column - line - 1));
}

// A word for the shell that begins no option; nothing where it cannot be shown as it is.
std::optional<std::string> path_word(const std::string& path) {
  if (path.empty() || printable(path) != path) return std::nullopt;
  return shell_word(path.starts_with('-') ? "./" + path : path);
}

// A TOML basic string, which escapes as JSON does.
std::string toml_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string host_of(const BindTarget& target) {
  const std::string text = target.text();
  return text.substr(0, text.rfind(':'));
}

class Collector {
 public:
  Collector(const Explanation& explanation, const Remedies& remedies)
      : explanation_(explanation), remedies_(remedies) {}

  std::vector<Suggestion> collect() {
    switch (explanation_.verdict) {
      case Verdict::kTaken:
        taken();
        break;
      case Verdict::kForbidden:
        forbidden();
        break;
      case Verdict::kUnavailable:
      case Verdict::kInvalid:
        unavailable();
        break;
      case Verdict::kFree:
        break;
    }
    return std::move(found_);
  }

 private:
  const BindAttempt& attempt() const { return explanation_.attempt; }
  const BindTarget& target() const { return attempt().target; }
  bool is_path() const { return target().transport == Transport::kUnix; }
  bool configured() const { return !attempt().service.empty(); }
  bool is_root() const { return remedies_.facts.uid == 0; }
  std::string sudo(const Holder& holder) const { return holder.yours ? "" : root_prefix(); }

  void add(std::string kind, std::string command, std::string text) {
    found_.push_back({std::move(kind), std::move(text), std::move(command), {}, {}});
  }
  void add_config(std::string kind, std::string config, std::string text) {
    found_.push_back({std::move(kind), std::move(text), {}, std::move(config), {}});
  }

  // --- a port that somebody has ------------------------------------------------------------------

  void taken() {
    if (is_path()) return taken_path();
    if (explanation_.rule == BindRule::kTimeWait) {
      add("wait", "", "wait: the kernel frees it by itself within 60 s");
    }
    other_port(target().address.port + 1);
    if (configured() && !held_by_own_service()) offset();
    if (target().address.port != 0) set_policy("next", "the next free port is taken by itself");
    other_address();
    for (const Holder& holder : explanation_.holders)
      stop(holder);
    if (explanation_.rule == BindRule::kEphemeralLocalPort) keep_from_lending();
  }

  bool held_by_own_service() const {
    return std::any_of(explanation_.holders.begin(), explanation_.holders.end(),
                       [](const Holder& holder) { return holder.ours; });
  }

  // The two loopback addresses of "localhost" move together.
  bool is_localhost_pair() const {
    if (target().address != Address::loopback(target().address.family, target().address.port)) {
      return false;
    }
    const Family other = target().address.family == Family::kIPv4 ? Family::kIPv6 : Family::kIPv4;
    const Address sibling = Address::loopback(other, target().address.port);
    return std::any_of(remedies_.wanted.begin(), remedies_.wanted.end(),
                       [&](const BindTarget& each) {
                         return each.transport == target().transport && each.address == sibling;
                       });
  }

  void other_port(int first) {
    const std::vector<BindTarget> group = moved_together();
    const std::vector<int> ports = free_ports_from(first, 3, group, remedies_);
    if (ports.empty()) return;
    const BindTarget other = at_port(target(), ports.front());
    std::string text;
    const std::string host = group.size() > 1 ? "localhost" : host_of(target());
    if (ports.size() > 1) {
      text = " (so is " + std::to_string(ports[1]) +
             (ports.size() > 2 ? ", and " + std::to_string(ports[2]) : "") + ")";
    }
    Suggestion suggestion{.kind = "other_port", .endpoint = other.endpoint()};
    const std::string number = std::to_string(ports.front());
    if (in_file()) {
      suggestion.config = toml_string(prefix() + host + ":" + number);
      suggestion.text = "instead of " + toml_string(prefix() + host + ":" + port_text()) + " in [" +
                        table_of(explanation_) + "]: free now" + text;
    } else {
      suggestion.text = "use port " + number + ", which is free now" + text;
    }
    found_.push_back(std::move(suggestion));
  }

  std::vector<BindTarget> moved_together() const {
    std::vector<BindTarget> group = {target()};
    if (is_localhost_pair()) {
      group.push_back(target());
      group.back().address = Address::loopback(
          target().address.family == Family::kIPv4 ? Family::kIPv6 : Family::kIPv4,
          target().address.port);
    }
    return group;
  }

  std::string prefix() const {
    const Transport written = target().written;
    return written == Transport::kTcp ? "" : std::string(name(written)) + "://";
  }
  bool in_file() const { return configured() && has_file(explanation_); }

  void offset() {
    if (remedies_.free_offset == 0) return;
    const std::string offset = std::to_string(remedies_.offset + remedies_.free_offset);
    add("offset", std::string(remedies_.run_command) + " --offset " + offset,
        "all its ports + " + offset + " are free now");
  }

  void set_policy(std::string_view policy, std::string_view effect) {
    const std::string key = "on_conflict";
    if (in_file()) {
      add_config(key, key + " = \"" + std::string(policy) + "\"",
                 "in [" + table_of(explanation_) + "]: " + std::string(effect));
    } else if (configured()) {
      add(key,
          std::string(remedies_.run_command) + " --set " + table_of(explanation_) + "." + key +
              "=" + std::string(policy),
          std::string(effect));
    }
  }

  // 127.0.0.2 is as good as 127.0.0.1 where it is only for this machine.
  void other_address() {
    const bool loopback =
        target().address.family == Family::kIPv4 && target().address.is_loopback();
    if (!loopback || is_localhost_pair()) return;
    for (std::uint8_t last = 2; last < 10; ++last) {
      BindTarget other = target();
      other.address.ip = {127, 0, 0, last};
      if (other.address == target().address || !is_free(remedies_, other)) continue;
      Suggestion suggestion{.kind = "other_address", .endpoint = other.endpoint()};
      suggestion.text = "the same port is free on another loopback address: " + other.text();
      if (in_file()) {
        suggestion.config = toml_string(prefix() + other.text());
        suggestion.text = "the same port, free on another loopback address";
      }
      found_.push_back(std::move(suggestion));
      return;
    }
  }

  // The setting is a list, which must not lose what is in it.
  void keep_from_lending() {
    constexpr std::size_t kLongestList = 200;
    PortSet reserved = remedies_.facts.reserved;
    reserved.set(target().address.port);
    const std::string list = port_set_text(reserved);
    if (list.size() > kLongestList) return;
    add("reserve", root_prefix() + "sysctl -w net.ipv4.ip_local_reserved_ports=" + list,
        "the kernel lends " + port_text() + " to no connection any more, once this one is over");
  }

  // --- whoever holds it --------------------------------------------------------------------------

  void stop(const Holder& holder) {
    const bool serves =
        holder.kind != Holder::Kind::kConnection && holder.kind != Holder::Kind::kTimeWait;
    // A service of the same configuration is no stranger: another port is the way.
    if (holder.ours || !serves || !holder.process) return;
    if (!told_.insert(holder.process->pid).second) return;
    const Process& process = *holder.process;
    if (const Unstoppable* const known = find_unstoppable(process)) {
      if (known->way == Way::kDocker) list_containers("docker");
      if (known->way == Way::kPodman) list_containers("podman");
      return;
    }
    if (process.pid == 1) {
      constexpr std::uint16_t kSsh = 22;
      if (target().address.port == kSsh) return;
      add("stop_unit", "systemctl list-sockets",
          "the first process listens for somebody: shows the .socket unit of this port");
    } else if (!process.container.empty()) {
      stop_container(process);
    } else if (process.user_unit && holder.yours) {
      add("stop_unit", "systemctl --user stop " + process.unit,
          "stops " + process.name + " the way it was started");
    } else if (process.unit.ends_with(".service") && !process.user_unit) {
      add("stop_unit", root_prefix() + "systemctl stop " + process.unit,
          "stops " + process.name + " the way it was started");
    } else {
      end_processes(holder);
    }
  }

  void end_processes(const Holder& holder) {
    constexpr std::size_t kMost = 8;
    if (holder.more_pids.size() >= kMost) return;
    std::string command = sudo(holder) + "kill " + std::to_string(holder.process->pid);
    for (const int pid : holder.more_pids)
      command += " " + std::to_string(pid);
    add("stop_holder", command,
        "stops " + holder.process->name +
            (holder.yours ? ", which is yours" : " of user " + holder.process->user));
  }

  void list_containers(const std::string& engine) {
    add("stop_container", engine + " ps --filter publish=" + port_text(),
        "shows the container that publishes the port; stop it with `" + engine + " stop`");
  }

  void stop_container(const Process& process) {
    const std::size_t space = process.container.find(' ');
    const std::string engine = process.container.substr(0, space);
    const bool has_command = engine == "docker" || engine == "podman";
    if (!has_command || space == std::string::npos) {
      add("stop_container", "", "it runs in container " + process.container + ": stop that");
      return;
    }
    add("stop_container", engine + " stop " + process.container.substr(space + 1),
        "stops the container it runs in");
  }

  // Processes that must not be ended because of a port: the system stands on them, people are
  // logged in through them, or they only hold it for somebody else. By their names in the kernel,
  // which are cut after 15 bytes.
  enum class Way : std::uint8_t { kNone, kDocker, kPodman };
  struct Unstoppable {
    std::string_view name;
    Way way = Way::kNone;
  };
  static const Unstoppable* find_unstoppable(const Process& process) {
    static constexpr std::array kNames = std::to_array<Unstoppable>({
        {"docker-proxy", Way::kDocker},
        {"dockerd", Way::kDocker},
        {"containerd", Way::kNone},
        {"containerd-shim", Way::kNone},
        {"rootlesskit", Way::kDocker},
        {"rootlessport", Way::kPodman},
        {"conmon", Way::kPodman},
        {"slirp4netns", Way::kPodman},
        {"pasta", Way::kPodman},
        {"pasta.avx2", Way::kPodman},
        {"kube-proxy", Way::kNone},
        {"kubelet", Way::kNone},
        {"sshd", Way::kNone},
        {"sshd-session", Way::kNone},
        {"dropbear", Way::kNone},
        {"init", Way::kNone},
        {"inetd", Way::kNone},
        {"xinetd", Way::kNone},
        {"systemd-resolve", Way::kNone},
        {"systemd-network", Way::kNone},
    });
    // The first process is asked for its sockets; a user's own systemd has everything of that user.
    if (process.name == "systemd" && process.pid != 1) {
      static constexpr Unstoppable kUserManager{"systemd", Way::kNone};
      return &kUserManager;
    }
    const auto found = std::find_if(kNames.begin(), kNames.end(), [&](const Unstoppable& each) {
      return each.name == process.name;
    });
    return found == kNames.end() || process.pid == 1 ? nullptr : &*found;
  }

  std::string port_text() const { return std::to_string(target().address.port); }
  std::string root_prefix() const { return is_root() ? "" : "sudo "; }

  // --- a path ------------------------------------------------------------------------------------

  void taken_path() {
    if (explanation_.rule == BindRule::kPathNotSocket) {
      if (attempt().error == EISDIR) {
        add_config("other_path", toml_string("unix:" + target().path + "/socket"),
                   "a name inside that directory");
      } else {
        with_path("other_path", "ls -l", target().path,
                  "shows what is there: move it away, or listen on another path");
      }
      return;
    }
    if (explanation_.rule == BindRule::kPathStale) {
      with_path("remove_file", "rm", target().path,
                "removes the leftover; polyport run does so by itself");
      return;
    }
    for (const Holder& holder : explanation_.holders)
      stop(holder);
    add("other_path", "", "listen on another path");
  }

  // A command for a path, where the path can be shown as it is.
  void with_path(std::string kind, const std::string& command, const std::string& path,
                 std::string text) {
    const auto word = path_word(path);
    add(std::move(kind), word ? command + " " + *word : "", std::move(text));
  }

  std::string folder() const {
    const std::size_t slash = target().path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : target().path.substr(0, slash);
  }

  // --- not permitted -----------------------------------------------------------------------------

  void forbidden() {
    if (is_path()) {
      with_path("permission", "ls -ld", folder(),
                "shows who may write there; listen on a path in a directory of your own");
      return;
    }
    if (explanation_.rule != BindRule::kPrivilegedPort) {
      add("permission", "", "ask whoever set up this system's policy (SELinux, AppArmor, seccomp)");
      return;
    }
    const int start = std::max<int>(remedies_.facts.unprivileged_start, kFirstUserPort);
    other_port(std::max(start, sibling(target().address.port)));
    if (const auto program = path_word(remedies_.facts.program)) {
      add("setcap", "sudo setcap cap_net_bind_service=+ep " + *program,
          "gives the program that one privilege");
    }
    add("activation", "",
        "let systemd open the port and hand it over (socket activation: docs/ports.md)");
    add("unprivileged_start", "sudo sysctl -w net.ipv4.ip_unprivileged_port_start=" + port_text(),
        "allows everybody on this machine the ports from " + port_text() + " up");
  }

  // --- not to be had -----------------------------------------------------------------------------

  void unavailable() {
    switch (explanation_.rule) {
      case BindRule::kAddressNotLocal:
        return own_addresses();
      case BindRule::kFamilyUnavailable:
        return other_family();
      case BindRule::kDescriptorLimit:
        add("descriptors", "",
            attempt().error == EMFILE
                ? "the hard limit of descriptors is used up: raise it where polyport is started "
                  "(LimitNOFILE= of a unit, --ulimit nofile= of a container, limits.conf)"
                : "the whole system has none left: sysctl fs.file-max and fs.file-nr show how "
                  "many");
        return;
      default:
        break;
    }
    if (!is_path()) return;
    if (attempt().error == ENOENT) {
      with_path("make_directory", "mkdir -p", folder(), "makes the directory");
    } else {
      add("other_path", "", "listen on another, shorter path");
    }
  }

  void own_addresses() {
    constexpr std::size_t kShown = 4;
    std::string list;
    std::size_t shown = 0;
    for (const Address& address : remedies_.facts.addresses) {
      if (address.family != target().address.family || shown == kShown) continue;
      list += (shown++ == 0 ? "" : ", ") + address.ip_text();
    }
    if (!list.empty()) {
      add("own_address", "ip -brief address", "this machine has " + list);
    } else {
      add("own_address", "ip -brief address", "lists the addresses this machine has");
    }
    if (!in_file()) return set_policy("retry", "goes live by itself when the address appears");
    add_config("own_address", toml_string(prefix() + "*:" + port_text()),
               "every address of this machine, those to come too");
    set_policy("retry", "goes live by itself when the address appears");
  }

  void other_family() {
    if (target().address.family != Family::kIPv6) return;
    BindTarget other = target();
    other.address =
        target().address.is_any() ? Address::any(Family::kIPv4) : Address::loopback(Family::kIPv4);
    other.address.port = target().address.port;
    const std::string written = toml_string(prefix() + other.text());
    found_.push_back({"ipv4_address", "the same over IPv4", "", written, other.endpoint()});
  }

  const Explanation& explanation_;
  const Remedies& remedies_;
  std::vector<Suggestion> found_;
  std::set<int> told_;  // processes
};

}  // namespace

std::vector<Suggestion> suggestions(const Explanation& explanation, const Remedies& remedies) {
  return Collector(explanation, remedies).collect();
}

int find_free_offset(const Remedies& remedies) {
  const auto suits = [&](int offset) {
    return std::all_of(remedies.wanted.begin(), remedies.wanted.end(), [&](const BindTarget& each) {
      const int port = each.address.port;
      if (each.transport == Transport::kUnix || port < kFirstUserPort) return true;
      return port + offset < kPorts && remedies.is_free(at_port(each, port + offset));
    });
  };
  const bool moves_all =
      !remedies.wanted.empty() &&
      std::all_of(remedies.wanted.begin(), remedies.wanted.end(), [](const BindTarget& each) {
        const int port = each.address.port;
        return each.transport != Transport::kUnix && (port == 0 || port >= kFirstUserPort);
      });
  if (!moves_all) return 0;
  for (const int offset : {100, 200, 300, 1000, 2000, 5000, 10000, 20000}) {
    if (suits(offset)) return offset;
  }
  return 0;
}

}  // namespace polyport
