#include "core/ports/suggestions.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/ports/path_suggestions.h"
#include "core/ports/stop_holder.h"

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
  bool configured() const { return !attempt().service.empty(); }
  bool is_root() const { return remedies_.facts.uid == 0; }

  void add(std::string kind, std::string command, std::string text) {
    found_.push_back({std::move(kind), std::move(text), std::move(command), {}, {}});
  }
  void add_config(std::string kind, std::string config, std::string text) {
    found_.push_back({std::move(kind), std::move(text), {}, std::move(config), {}});
  }

  // --- a port that somebody has ------------------------------------------------------------------

  void taken() {
    if (explanation_.rule == BindRule::kTimeWait) wait();
    other_port(target().address.port + 1);
    if (configured() && !held_by_own_service()) offset();
    if (target().address.port != 0) set_policy("next", "the next free port is taken by itself");
    other_address();
    for (const Holder& holder : explanation_.holders)
      stop(holder);
    if (explanation_.rule == BindRule::kEphemeralLocalPort) keep_from_lending();
  }

  void wait() {
    if (configured()) {
      set_policy("retry", "the kernel frees it within 60 s; goes live by itself then", "wait");
    } else {
      add("wait", "polyport ports --all --port " + port_text(),
          "shows it until the kernel frees it, within 60 s");
    }
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
    suggestion.text = "port " + number + " is free now" + text;
    if (in_file()) {
      suggestion.config = json_string(prefix() + host + ":" + written(ports.front()));
      suggestion.text =
          "instead of " + json_string(prefix() + host + ":" + written(target().address.port)) +
          " in [" + table_of(explanation_) +
          "]: " + (remedies_.offset == 0 ? "" : "port " + number + " is ") + "free now" + text;
    } else if (configured()) {
      suggestion.command = run_with_port(number);
      if (suggestion.command.empty()) {
        suggestion.command = run_with_policy("next");
        suggestion.text = "takes port " + number + ", which is free now" + text;
      }
    } else {
      suggestion.text = "use port " + number + ", which is free now" + text;
    }
    found_.push_back(std::move(suggestion));
  }

  // What stands in the file for a port: --offset is added to what does, from 1024 up.
  std::string written(int port) const {
    return std::to_string(port < kFirstUserPort ? port : port - remedies_.offset);
  }

  // What to type where the port is in a word of the command line, "http:8080"; else nothing.
  std::string run_with_port(const std::string& number) const {
    const std::string& word = attempt().where;
    const std::string old = ":" + port_text();
    const std::string command = " " + std::string(remedies_.run_command) + " ";
    const std::size_t at = command.find(" " + word + " ");
    if (!configured() || !word.ends_with(old) || at == std::string::npos) return "";
    const std::string changed = word.substr(0, word.size() - old.size() + 1) + number;
    const std::string whole =
        command.substr(0, at + 1) + changed + command.substr(at + 1 + word.size());
    return whole.substr(1, whole.size() - 2);
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

  void set_policy(const std::string& policy, const std::string& effect,
                  std::string kind = "on_conflict") {
    if (in_file()) {
      add_config(std::move(kind), "on_conflict = \"" + policy + "\"",
                 "in [" + table_of(explanation_) + "]: " + effect);
    } else if (configured()) {
      add(std::move(kind), run_with_policy(policy), effect);
    }
  }
  std::string run_with_policy(const std::string& policy) const {
    return std::string(remedies_.run_command) + " --set " + table_of(explanation_) +
           ".on_conflict=" + policy;
  }

  // 127.0.0.2 is as good as 127.0.0.1 where it is only for this machine.
  void other_address() {
    const bool loopback =
        target().address.family == Family::kIPv4 && target().address.is_loopback();
    if (!loopback || is_localhost_pair() || (configured() && !in_file())) return;
    for (std::uint8_t last = 2; last < 10; ++last) {
      BindTarget other = target();
      other.address.ip = {127, 0, 0, last};
      if (other.address == target().address || !is_free(remedies_, other)) continue;
      Suggestion suggestion{.kind = "other_address", .endpoint = other.endpoint()};
      suggestion.text = "the same port is free on another loopback address: " + other.text();
      if (in_file()) {
        suggestion.config =
            json_string(prefix() + host_of(other) + ":" + written(other.address.port));
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

  void stop(const Holder& holder) {
    auto way = way_to_stop(holder, target().address.port, is_root());
    // One process may hold several of the sockets in the way, and one container have two proxies.
    if (way && told_.insert(way->command).second) found_.push_back(std::move(*way));
  }

  std::string port_text() const { return std::to_string(target().address.port); }
  std::string root_prefix() const { return is_root() ? "" : "sudo "; }

  // --- not permitted -----------------------------------------------------------------------------

  void forbidden() {
    if (explanation_.rule != BindRule::kPrivilegedPort) {
      add("permission", "sudo journalctl -k -g denied",
          "shows whether SELinux or AppArmor refused it; a seccomp filter leaves no trace");
      return;
    }
    const int start = std::max<int>(remedies_.facts.unprivileged_start, kFirstUserPort);
    other_port(std::max(start, sibling(target().address.port)));
    if (const auto program = shell_path(remedies_.facts.program)) {
      add("setcap", "sudo setcap cap_net_bind_service=+ep " + *program,
          "gives the program that one privilege");
    }
    const bool datagrams = target().transport == Transport::kUdp;
    add_config("activation", (datagrams ? "ListenDatagram=" : "ListenStream=") + target().text(),
               "in a .socket unit: systemd opens the port and hands it over (docs/ports.md)");
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
        found_.push_back(descriptor_suggestion(attempt().error));
        return;
      default:
        return;
    }
  }

  bool is_among(const std::vector<Address>& list, Address address) const {
    address.port = 0;
    return std::find(list.begin(), list.end(), address) != list.end();
  }

  void own_addresses() {
    const UnusableAddresses& unusable = remedies_.facts.unusable;
    if (is_among(unusable.tentative, target().address)) {
      add("own_address", "ip -6 address show tentative",
          "shows what is still tested; try again when it is not there any more");
      return set_policy("retry", "goes live by itself when the address is ready");
    }
    constexpr std::size_t kShown = 4;
    std::string list;
    std::size_t shown = 0;
    for (const Address& address : remedies_.facts.addresses) {
      if (address.family != target().address.family || shown == kShown) continue;
      if (is_among(unusable.tentative, address) || is_among(unusable.duplicate, address)) continue;
      list += (shown++ == 0 ? "" : ", ") + address.ip_text();
    }
    add("own_address", "ip -brief address",
        list.empty() ? "lists the addresses this machine has" : "this machine has " + list);
    if (in_file()) {
      add_config("own_address", json_string(prefix() + "*:" + written(target().address.port)),
                 "every address of this machine, those to come too");
    }
    set_policy("retry", "goes live by itself when the address appears");
  }

  void other_family() {
    if (target().address.family != Family::kIPv6) return;
    BindTarget other = target();
    other.address =
        target().address.is_any() ? Address::any(Family::kIPv4) : Address::loopback(Family::kIPv4);
    other.address.port = target().address.port;
    found_.push_back({"ipv4_address", "the same over IPv4", "",
                      json_string(prefix() + host_of(other) + ":" + written(other.address.port)),
                      other.endpoint()});
  }

  const Explanation& explanation_;
  const Remedies& remedies_;
  std::vector<Suggestion> found_;
  std::set<std::string> told_;  // commands that stop a holder
};

}  // namespace

std::vector<Suggestion> suggestions(const Explanation& explanation, const Remedies& remedies) {
  if (explanation.attempt.target.transport == Transport::kUnix) {
    return path_suggestions(explanation, remedies.facts);
  }
  return Collector(explanation, remedies).collect();
}

Suggestion descriptor_suggestion(int error) {
  if (error == EMFILE) {
    return {"descriptors",
            "in [Service] of its unit (--ulimit nofile= of a container, limits.conf): the hard "
            "limit of descriptors is used up",
            "",
            "LimitNOFILE=65536",
            {}};
  }
  return {"descriptors",
          "shows how many descriptors there are: the whole system has none left",
          "sysctl fs.file-nr fs.file-max",
          "",
          {}};
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
