// The search for endpoints that exclude each other. For every port there is a table of who was
// there first: on this very address, on a wildcard, on any address of a family. Whatever overlaps
// with a new target must be among these few, so each target costs a handful of look-ups, and which
// of them really is in the way is for overlap() to say.
#include "core/ports/static_conflicts.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "core/ports/bind_rules.h"
#include "core/ports/port_notes.h"

namespace polyport {
namespace {

using Index = std::size_t;  // of a planned endpoint

struct Claim {
  Index endpoint = 0;
  BindTarget target;
};

// Who claimed which address and port first.
class Claims {
 public:
  // Calls `visit` with every claim that may be in the way of `wanted`, each once.
  template <class Visit>
  void near(const BindTarget& wanted, Visit visit) const {
    std::array<const Claim*, 6> met{};
    std::size_t count = 0;
    const auto meet = [&](const Claim* claim) {
      if (claim == nullptr ||
          std::find(met.begin(), met.begin() + count, claim) != met.begin() + count)
        return;
      met[count++] = claim;
      visit(*claim);
    };
    const auto exact = exact_.find(key_of(wanted));
    if (exact != exact_.end()) meet(&exact->second);
    const auto port = firsts_.find(port_of(wanted));
    if (port == firsts_.end()) return;
    for (const auto& first : port->second)
      meet(first);
  }

  void add(Claim claim) {
    const auto [at, added] = exact_.emplace(key_of(claim.target), claim);
    if (!added || claim.target.transport == Transport::kUnix) return;
    const Claim*& first = firsts_[port_of(claim.target)][kind_of(claim.target)];
    if (first == nullptr) first = &at->second;  // a map keeps its items where they are
  }

 private:
  using Key = std::tuple<Transport, Address, std::string, IPv6Mode>;
  using Port = std::pair<Transport, std::uint16_t>;
  enum Kind : std::uint8_t { kIPv4, kIPv6, kAnyIPv4, kAnyIPv6, kAnyBoth, kKinds };

  static Key key_of(const BindTarget& target) {
    const bool any = target.address.is_any();  // elsewhere the mode makes no difference
    return {target.transport, target.address, target.path,
            any ? target.ipv6_mode : IPv6Mode::kOnly};
  }
  static Port port_of(const BindTarget& target) { return {target.transport, target.address.port}; }
  static Kind kind_of(const BindTarget& target) {
    const bool ipv4 = target.address.family == Family::kIPv4;
    if (!target.address.is_any()) return ipv4 ? kIPv4 : kIPv6;
    if (ipv4) return kAnyIPv4;
    return target.ipv6_mode == IPv6Mode::kDualStack ? kAnyBoth : kAnyIPv6;
  }

  std::map<Key, Claim> exact_;
  std::map<Port, std::array<const Claim*, kKinds>> firsts_;
};

// All that two written endpoints have against each other.
struct Conflict {
  Index holder = 0;
  BindRule rule = BindRule::kNone;  // of the first pair
  BindTarget wanted_target;
  BindTarget held_target;
  std::size_t targets = 1;  // of wanted_target's port
  std::size_t ports = 1;
  std::uint16_t last_port = 0;
};

// --- in words

Endpoint with_port(Endpoint endpoint, std::uint16_t port) {
  endpoint.first_port = endpoint.last_port = port;
  endpoint.step = 1;
  return endpoint;
}

// As a person would write it: TCP needs no word.
std::string shown(const Endpoint& endpoint) {
  const std::string text = endpoint.text();
  return text.starts_with("tcp://") ? text.substr(6) : text;
}

class Reporter {
 public:
  Reporter(std::span<const PlannedEndpoint> endpoints, StaticFindings& findings)
      : endpoints_(endpoints), findings_(findings) {
    for (const PlannedEndpoint& endpoint : endpoints) {
      if (endpoint.written.transport == Transport::kUnix) continue;
      for (const std::uint16_t port : endpoint.written.ports())
        wanted_[udp(endpoint.written)].set(port);
    }
  }

  void report(Index wanted_index, const Conflict& conflict) {
    const PlannedEndpoint& wanted = endpoints_[wanted_index];
    const PlannedEndpoint& holder = endpoints_[conflict.holder];
    Error error{
        ErrorCode::kConflict, wanted.option + ": " + subject(wanted, conflict), wanted.where, {}};
    error.what += " taken by " + owner(wanted, holder, conflict) + ": " +
                  std::string(sentence_of(conflict.rule));
    add_consequence(wanted, conflict, std::move(error));
  }

 private:
  static bool udp(const Endpoint& endpoint) { return endpoint.transport == Transport::kUdp; }

  static std::string_view sentence_of(BindRule rule) {
    // bind_rules speaks of sockets that are open already.
    if (rule == BindRule::kPathInUse) return "one path is one socket";
    return sentence(rule);
  }

  static void add(Errors& list, Error error) {
    if (list.size() < kMaxStaticFindings) list.push_back(std::move(error));
  }

  // "localhost:8080 is", with the address where only one of several is meant.
  static std::string subject(const PlannedEndpoint& wanted, const Conflict& conflict) {
    if (wanted.written.transport == Transport::kUnix) return shown(wanted.written) + " is";
    std::string text = shown(with_port(wanted.written, conflict.wanted_target.address.port));
    const bool literal = conflict.wanted_target.address.ip_text() == wanted.written.host;
    const bool all = conflict.targets == wanted.targets.size();
    if (!literal && (!all || wanted.targets.size() == 1) && wanted.written.host != "*") {
      text += " (" + conflict.wanted_target.text() + ")";
    }
    if (conflict.ports == 1) return text + " is";
    return text + " and " + std::to_string(conflict.ports - 1) + " more, up to " +
           std::to_string(conflict.last_port) + ", are";
  }

  // "web, which has *:8080 (my.toml:3:10)"; the endpoint only where it is another.
  static std::string owner(const PlannedEndpoint& wanted, const PlannedEndpoint& holder,
                           const Conflict& conflict) {
    const bool one = conflict.ports == 1 && holder.written.transport != Transport::kUnix;
    const std::uint16_t port = conflict.held_target.address.port;
    const std::string held = shown(one ? with_port(holder.written, port) : holder.written);
    const std::string own = shown(one ? with_port(wanted.written, port) : wanted.written);
    const std::string place = " (" + holder.where + ")";
    if (holder.service == wanted.service) return "its own " + held + place;
    return holder.service + (held == own ? "" : ", which has " + held) + place;
  }

  void add_consequence(const PlannedEndpoint& wanted, const Conflict& conflict, Error error) {
    switch (wanted.on_conflict) {
      case OnConflict::kFail:
      case OnConflict::kShare:  // with another process only
        error.hint = remedy(wanted, conflict);
        return add(findings_.errors, std::move(error));
      case OnConflict::kSkip:
        error.hint = "on_conflict = \"skip\" leaves " + wanted.service + " out at the start";
        return add(findings_.warnings, std::move(error));
      case OnConflict::kNext:
        error.hint = "on_conflict = \"next\" takes the next free port at the start";
        return add(findings_.notes, std::move(error));
      case OnConflict::kRetry:
        error.hint = "on_conflict = \"retry\" waits for it, for ever while the other one serves";
        return add(findings_.warnings, std::move(error));
    }
  }

  std::string remedy(const PlannedEndpoint& wanted, const Conflict& conflict) const {
    const PlannedEndpoint& holder = endpoints_[conflict.holder];
    if (holder.service == wanted.service) return remedy_within(wanted, holder, conflict);
    if (conflict.rule == BindRule::kPathInUse) return "give each a path of its own";
    if (conflict.ports > 1) return "take other ports";
    if (conflict.rule == BindRule::kDualStackOverIpv4 && wanted.written.host == "*") {
      Endpoint ipv6 = with_port(wanted.written, conflict.wanted_target.address.port);
      ipv6.host = "::";
      return "write " + shown(ipv6) + " for IPv6 alone, or take another port";
    }
    const auto port = free_port(conflict.wanted_target);
    return "take another port" +
           (port ? ": no service here wants " + std::to_string(*port) : std::string());
  }

  // One of the two is too many: the one that the other contains.
  static std::string remedy_within(const PlannedEndpoint& wanted, const PlannedEndpoint& holder,
                                   const Conflict& conflict) {
    const auto is_range = [](const Endpoint& endpoint) {
      return endpoint.first_port != endpoint.last_port;
    };
    if (is_range(wanted.written) || is_range(holder.written)) {
      return "take the ports that are in both out of one of them";
    }
    const auto width = [](const PlannedEndpoint& endpoint, const BindTarget& target) {
      if (!target.address.is_any()) return endpoint.targets.size();
      constexpr std::size_t kEvery = 1000;
      return kEvery + (target.ipv6_mode == IPv6Mode::kDualStack ? 1 : 0);
    };
    const bool wider = width(wanted, conflict.wanted_target) > width(holder, conflict.held_target);
    return "leave out " + shown(wider ? holder.written : wanted.written);
  }

  // The next port up that no endpoint here wants, on no address.
  std::optional<std::uint16_t> free_port(const BindTarget& target) const {
    const PortSet& wanted = wanted_[target.transport == Transport::kUdp];
    for (std::size_t port = target.address.port + 1u; port < wanted.size(); ++port) {
      if (!wanted[port]) return static_cast<std::uint16_t>(port);
    }
    return std::nullopt;
  }

  std::span<const PlannedEndpoint> endpoints_;
  StaticFindings& findings_;
  std::array<PortSet, 2> wanted_;  // TCP, UDP
};

// --- the search

class Search {
 public:
  explicit Search(std::span<const PlannedEndpoint> endpoints) : endpoints_(endpoints) {}

  // The conflicts of one endpoint with those before it, in the order of its ports.
  std::vector<Conflict> take(Index index) {
    conflicts_.clear();
    const PlannedEndpoint& endpoint = endpoints_[index];
    if (endpoint.written.transport == Transport::kUnix) {
      for (const BindTarget& target : endpoint.targets)
        take(index, target);
      return conflicts_;
    }
    for (const std::uint16_t port : endpoint.written.ports()) {
      if (port == 0) continue;  // the kernel finds one that is free
      for (BindTarget target : endpoint.targets) {
        target.address.port = port;
        take(index, target);
      }
    }
    return conflicts_;
  }

 private:
  void take(Index index, const BindTarget& target) {
    claims_.near(target, [&](const Claim& claim) {
      if (const auto rule = overlap(target, claim.target)) note(claim, *rule, target);
    });
    claims_.add({index, target});
  }

  void note(const Claim& claim, BindRule rule, const BindTarget& target) {
    const auto known =
        std::find_if(conflicts_.begin(), conflicts_.end(),
                     [&](const Conflict& each) { return each.holder == claim.endpoint; });
    const std::uint16_t port = target.address.port;
    if (known == conflicts_.end()) {
      conflicts_.push_back({.holder = claim.endpoint,
                            .rule = rule,
                            .wanted_target = target,
                            .held_target = claim.target,
                            .last_port = port});
    } else if (known->last_port != port) {
      ++known->ports;
      known->last_port = port;
    } else if (known->ports == 1) {
      if (!(known->wanted_target == target)) ++known->targets;
      if (is_plainer(rule, known->rule)) known->rule = rule;
    }
  }

  // Where a wildcard meets both families of a host, that it is one says more than its second
  // family.
  static bool is_plainer(BindRule rule, BindRule than) {
    return (rule == BindRule::kWildcardOverSpecific && than == BindRule::kDualStackOverIpv4) ||
           (rule == BindRule::kSpecificUnderWildcard && than == BindRule::kIpv4UnderDualStack);
  }

  std::span<const PlannedEndpoint> endpoints_;
  Claims claims_;
  std::vector<Conflict> conflicts_;
};

}  // namespace

StaticFindings find_static_conflicts(std::span<const PlannedEndpoint> endpoints,
                                     const MachineFacts& facts) {
  StaticFindings findings;
  Reporter reporter(endpoints, findings);
  Search search(endpoints);
  for (Index index = 0; index < endpoints.size(); ++index) {
    for (const Conflict& conflict : search.take(index))
      reporter.report(index, conflict);
    add_port_notes(endpoints[index], facts, findings);
  }
  return findings;
}

}  // namespace polyport
