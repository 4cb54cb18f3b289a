#include "core/ports/suggestions.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>

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
std::vector<int> free_ports_from(int first, std::size_t most, const BindTarget& like,
                                 const Remedies& remedies) {
  constexpr int kTries = 200;
  std::vector<int> found;
  const EphemeralRange& lent = remedies.facts.ephemeral;
  const bool may_be_lent = lent.contains(static_cast<std::uint16_t>(std::min(first, kPorts - 1)));
  for (int port = first; port < std::min(first + kTries, kPorts) && found.size() < most; ++port) {
    if (!may_be_lent && lent.contains(static_cast<std::uint16_t>(port))) break;
    if (is_free(remedies, at_port(like, port))) found.push_back(port);
  }
  return found;
}

// The usual unprivileged sibling of a port below 1024: 80 is 8080, 443 is 8443, 7 is 10007.
int sibling(std::uint16_t port) {
  return port == 80 || port == 443 ? port + 8000 : port + 10000;
}

std::string section(const Explanation& explanation) {
  const std::string& service = explanation.attempt.service;
  if (service.empty()) return "";
  const bool internal = service == "health" || service == "admin";
  return " in [" + (internal ? service : "services." + service) + "]";
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
  std::string sudo(const Holder& holder) const { return is_root() || holder.yours ? "" : "sudo "; }

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
    if (configured()) on_conflict();
    other_address();
    for (const Holder& holder : explanation_.holders)
      stop(holder);
    if (explanation_.rule == BindRule::kEphemeralLocalPort) keep_from_lending();
  }

  bool held_by_own_service() const {
    return std::any_of(explanation_.holders.begin(), explanation_.holders.end(),
                       [](const Holder& holder) { return holder.ours; });
  }

  void other_port(int first) {
    const std::vector<int> ports = free_ports_from(first, 3, target(), remedies_);
    if (ports.empty()) return;
    const BindTarget other = at_port(target(), ports.front());
    std::string text;
    if (ports.size() > 1) {
      text = " (so is " + std::to_string(ports[1]) +
             (ports.size() > 2 ? ", and " + std::to_string(ports[2]) : "") + ")";
    }
    Suggestion suggestion{.kind = "other_port", .endpoint = other.endpoint()};
    if (configured()) {
      suggestion.config = "listen = \"" + listen_text(other) + "\"";
      suggestion.text = "port " + std::to_string(ports.front()) + " is free now" + text + ";" +
                        section(explanation_);
    } else {
      suggestion.text = "use port " + std::to_string(ports.front()) + ", which is free now" + text;
    }
    found_.push_back(std::move(suggestion));
  }

  static std::string listen_text(const BindTarget& target) {
    return (target.transport == Transport::kUdp ? "udp://" : "") + target.text();
  }

  void offset() {
    const int more = free_offset(remedies_);
    if (more == 0) return;
    const std::string offset = std::to_string(remedies_.offset + more);
    add("offset", std::string(remedies_.run_command) + " --offset " + offset,
        "all its ports + " + offset + " are free now");
  }

  void on_conflict() {
    const bool next = target().address.port != 0;
    if (next) {
      add_config("on_conflict", "on_conflict = \"next\"",
                 "the next free port is taken by itself;" + section(explanation_));
    }
  }

  // 127.0.0.2 is as good as 127.0.0.1 where it is only for this machine.
  void other_address() {
    if (target().address.family != Family::kIPv4 || !target().address.is_loopback()) return;
    for (std::uint8_t last = 2; last < 10; ++last) {
      BindTarget other = target();
      other.address.ip = {127, 0, 0, last};
      if (other.address == target().address || !is_free(remedies_, other)) continue;
      Suggestion suggestion{.kind = "other_address", .endpoint = other.endpoint()};
      suggestion.text = "the same port is free on another loopback address: " + other.text();
      if (configured()) {
        suggestion.config = "listen = \"" + listen_text(other) + "\"";
        suggestion.text =
            "the same port, free on another loopback address;" + section(explanation_);
      }
      found_.push_back(std::move(suggestion));
      return;
    }
  }

  void keep_from_lending() {
    const std::string port = std::to_string(target().address.port);
    add("reserve",
        std::string(is_root() ? "" : "sudo ") +
            "sysctl -w net.ipv4.ip_local_reserved_ports=" + port,
        "the kernel lends " + port + " to no connection any more, once this one is over");
  }

  // --- whoever holds it --------------------------------------------------------------------------

  void stop(const Holder& holder) {
    if (holder.ours) return;  // a service of the same configuration: another port is the way
    const bool serves =
        holder.kind != Holder::Kind::kConnection && holder.kind != Holder::Kind::kTimeWait;
    if (!serves || !holder.process || !told_.insert(holder.process->pid).second) return;
    const Process& process = *holder.process;
    if (is_container_proxy(process)) {
      add("stop_container", "docker ps --filter publish=" + port_text(),
          "shows the container that publishes the port; `docker stop` it");
    } else if (process.pid == 1) {
      add("stop_unit", "systemctl list-sockets",
          "the first process listens for somebody: stop the .socket unit of this port");
    } else if (!process.container.empty()) {
      stop_container(process);
    } else if (is_remote_login(process)) {
      return;  // stopping it may lock people out; the other suggestions do
    } else if (is_system_unit(process)) {
      add("stop_unit", std::string(is_root() ? "" : "sudo ") + "systemctl stop " + process.unit,
          "stops " + process.name + " the way it was started");
    } else {
      add("stop_holder", sudo(holder) + "kill " + std::to_string(process.pid),
          "stops " + process.name +
              (holder.yours ? ", which is yours" : " of user " + process.user));
    }
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

  static bool is_container_proxy(const Process& process) {
    static constexpr std::array<std::string_view, 6> kProxies = {
        "docker-proxy", "dockerd", "rootlesskit", "rootlessport", "slirp4netns", "pasta"};
    return std::find(kProxies.begin(), kProxies.end(), process.name) != kProxies.end();
  }

  static bool is_remote_login(const Process& process) {
    return process.name == "sshd" || process.name == "sshd-session" || process.name == "dropbear";
  }

  static bool is_system_unit(const Process& process) {
    return process.unit.ends_with(".service") && !process.unit.starts_with("user@");
  }

  std::string port_text() const { return std::to_string(target().address.port); }

  // --- a path ------------------------------------------------------------------------------------

  void taken_path() {
    if (explanation_.rule == BindRule::kPathNotSocket) {
      if (attempt().error == EISDIR) {
        add_config("other_path", "listen = \"unix:" + target().path + "/socket\"",
                   "a name inside that directory;" + section(explanation_));
      } else {
        add("other_path", "ls -l " + target().path,
            "shows what is there: move it away, or listen on another path");
      }
      return;
    }
    if (explanation_.rule == BindRule::kPathStale) {
      add("remove_file", "rm " + target().path,
          "removes the leftover; polyport run does so by itself");
      return;
    }
    for (const Holder& holder : explanation_.holders)
      stop(holder);
    add("other_path", "", "listen on another path");
  }

  std::string folder() const {
    const std::size_t slash = target().path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : target().path.substr(0, slash);
  }

  // --- not permitted -----------------------------------------------------------------------------

  void forbidden() {
    if (is_path()) {
      add("permission", "ls -ld " + folder(),
          "shows who may write there; listen on a path in a directory of your own");
      return;
    }
    if (explanation_.rule != BindRule::kPrivilegedPort) {
      add("permission", "", "ask whoever set up this system's policy (SELinux, AppArmor, seccomp)");
      return;
    }
    const int start = std::max<int>(remedies_.facts.unprivileged_start, kFirstUserPort);
    other_port(std::max(start, sibling(target().address.port)));
    add("setcap", "sudo setcap cap_net_bind_service=+ep \"$(command -v polyport)\"",
        "gives the program that one privilege");
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
        add("descriptors", "ulimit -n 4096", "in this shell, before starting again");
        return;
      default:
        break;
    }
    if (!is_path()) return;
    if (attempt().error == ENOENT) {
      add("make_directory", "mkdir -p " + folder(), "makes the directory");
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
    BindTarget everywhere = target();
    everywhere.address = Address::any(target().address.family, target().address.port);
    add_config("own_address", "listen = \"*:" + port_text() + "\"",
               "every address of this machine, those to come too;" + section(explanation_));
    if (configured()) {
      add_config("on_conflict", "on_conflict = \"retry\"",
                 "goes live by itself when the address appears;" + section(explanation_));
    }
  }

  void other_family() {
    if (target().address.family != Family::kIPv6) return;
    const std::string host = target().address.is_any() ? "0.0.0.0" : "127.0.0.1";
    add_config("ipv4_address", "listen = \"" + host + ":" + port_text() + "\"",
               "the same over IPv4;" + section(explanation_));
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

int free_offset(const Remedies& remedies) {
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
