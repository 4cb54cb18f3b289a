#include "app/commands/check.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include "app/commands/exit_code.h"
#include "app/output.h"
#include "app/planned_endpoints.h"
#include "app/report.h"
#include "app/worker_notes.h"
#include "core/base/json_writer.h"
#include "core/host/opener.h"
#include "core/ports/explain.h"
#include "core/ports/judge_words.h"
#include "core/ports/port_facts.h"
#include "core/socket/socket.h"

namespace polyport {
namespace {

// What is found in a configuration, and with --live on this machine now.
struct Findings {
  Errors errors;
  Errors warnings;
  Errors notes;
  std::vector<Explanation> explanations;  // one a socket; those that can be had too
  std::vector<Explanation> refused;       // of these what cannot be had
  bool live = false;                      // the sockets were tried
  int exit_code = kExitOk;
};

void append(Errors& list, Errors more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

std::vector<Explanation> try_sockets(const std::vector<PlannedEndpoint>& endpoints,
                                     const ConfigurationOptions& configuration) {
  std::vector<BindAttempt> attempts;
  std::vector<BindTarget> wanted;
  const auto attempt = [&](const PlannedEndpoint& endpoint, const BindTarget& target) {
    BindAttempt tried = try_bind(target);
    tried.service = endpoint.service;
    tried.where = endpoint.where;
    attempts.push_back(std::move(tried));
    wanted.push_back(target);
  };
  for (const PlannedEndpoint& endpoint : endpoints) {
    for (BindTarget target : endpoint.targets) {
      if (target.transport == Transport::kUnix) {
        target.path = endpoint.written.path;
        attempt(endpoint, target);
      }
    }
    for (const std::uint16_t port : endpoint.written.ports()) {
      for (BindTarget target : endpoint.targets) {
        target.address.port = port;
        attempt(endpoint, target);
      }
    }
  }
  const std::string command = start_command(configuration);
  return explain({.attempts = attempts,
                  .wanted = wanted,
                  .run_command = command,
                  .offset = configuration.offset});
}

// A leftover socket file is removed at the start.
bool can_be_had(const Explanation& explanation) {
  return explanation.verdict == Verdict::kFree || explanation.rule == BindRule::kPathStale;
}

// Whether the kernel lets one more listen there with SO_REUSEPORT. It is not asked about UDP: to be
// bound for a moment would take datagrams from those that are.
bool can_be_joined(const BindTarget& target) {
  if (target.transport == Transport::kUdp) return true;
  const int fd = sock::open_stream(target.address.family);
  if (fd < 0) return false;
  if (target.address.family == Family::kIPv6) {
    sock::set_option(fd, sock::Option::kIpv6Only, target.ipv6_mode == IPv6Mode::kOnly);
  }
  sock::set_option(fd, sock::Option::kReuseAddress, 1);
  sock::set_option(fd, sock::Option::kReusePort, 1);
  const int bound = sock::bind(fd, target.address);
  sock::close(fd);
  return bound >= 0;
}

// What on_conflict = "share" would do about a port that is taken.
bool would_be_shared(const Explanation& taken) {
  const BindTarget& target = taken.attempt.target;
  if (target.transport == Transport::kUnix || taken.attempt.error != EADDRINUSE) return false;
  const bool all_may =
      !taken.holders.empty() &&
      std::all_of(taken.holders.begin(), taken.holders.end(),
                  [](const Holder& holder) { return share_obstacle(holder).empty(); });
  return all_may && can_be_joined(target);
}

Error note_of_share(const Explanation& taken) {
  const BindTarget& target = taken.attempt.target;
  const std::string allowed = target.transport == Transport::kUdp ? ", where that allows it" : "";
  return {ErrorCode::kAddressInUse,
          spoken(target) + " would be shared with " + who(taken.holders.front()) + allowed,
          taken.attempt.where, "on_conflict = \"share\""};
}

bool has_policy(const PlannedEndpoint& endpoint) {
  return endpoint.closed || endpoint.on_conflict == OnConflict::kSkip ||
         endpoint.on_conflict == OnConflict::kNext || endpoint.on_conflict == OnConflict::kRetry;
}

// What is taken stops the start, but where the service has a policy of its own for that.
void judge_sockets(const std::vector<PlannedEndpoint>& endpoints, Findings& findings) {
  std::set<std::string_view> strict;
  std::set<std::string_view> sharing;
  for (const PlannedEndpoint& endpoint : endpoints) {
    if (!has_policy(endpoint)) strict.insert(endpoint.service);
    if (endpoint.on_conflict == OnConflict::kShare) sharing.insert(endpoint.service);
  }
  for (const Explanation& each : findings.explanations) {
    if (can_be_had(each)) continue;
    const std::string& service = each.attempt.service;
    if (sharing.contains(service) && would_be_shared(each)) {
      findings.notes.push_back(note_of_share(each));
      continue;
    }
    findings.refused.push_back(each);
    if (strict.contains(service)) findings.exit_code = kExitNo;
  }
}

// What the endpoints do to each other is worth looking at only where each is right by itself.
void judge_endpoints(const Configuration& configuration, const CheckOptions& options,
                     Findings& findings) {
  const MachineFacts facts = read_machine_facts();
  PlannedEndpoints planned = plan_endpoints(configuration.plans, facts.families);
  StaticFindings found = find_static_conflicts(planned.endpoints, facts);
  append(findings.errors, std::move(planned.errors));
  append(findings.errors, std::move(found.errors));
  append(findings.warnings, std::move(found.warnings));
  append(findings.notes, std::move(planned.notes));
  append(findings.notes, std::move(found.notes));
  if (!options.live) return;
  findings.live = true;
  findings.explanations = try_sockets(planned.endpoints, options.configuration);
  judge_sockets(planned.endpoints, findings);
}

Findings judge(const Configuration& configuration, const CheckOptions& options) {
  Findings findings;
  if (!configuration.usage.empty()) {
    findings.errors = configuration.usage;
    findings.exit_code = kExitUsage;
    return findings;
  }
  findings.errors = configuration.errors;
  findings.warnings = configuration.warnings;
  for (std::string& note : worker_notes(configuration.workers, configuration.plans)) {
    findings.notes.push_back({ErrorCode::kConflict, std::move(note), "server.workers", ""});
  }
  if (findings.errors.empty()) judge_endpoints(configuration, options, findings);
  if (!findings.errors.empty()) findings.exit_code = kExitNo;
  return findings;
}

// "; all 14 sockets can be had now"
std::string live_verdict(const Findings& findings, std::size_t refused) {
  if (!findings.live) return "";
  const std::size_t all = findings.explanations.size();
  const std::string sockets = std::to_string(all) + (all == 1 ? " socket" : " sockets");
  if (refused == 0) return (all == 1 ? "; its " : "; all ") + sockets + " can be had now";
  return "; " + std::to_string(refused) + " of " + sockets + " cannot be had now";
}

int print_text(const std::string& name, const Findings& findings) {
  if (findings.exit_code == kExitUsage) {
    print_findings(stderr, findings.errors);
    return findings.exit_code;
  }
  std::string text = findings_text(findings.errors, findings.warnings, findings.notes);
  const std::vector<Explanation>& refused = findings.refused;
  if (!refused.empty()) text += explanations_text(refused) + "\n";
  const bool clean = findings.errors.empty() && findings.warnings.empty() && refused.empty();
  const std::string counts = count_findings(findings.errors.size(), findings.warnings.size());
  text += name + ": " + (clean ? "ok" : counts) + live_verdict(findings, refused.size()) + "\n";
  if (findings.live) text += aside(where_we_look_from());
  return answer(text, findings.exit_code);
}

int print_json(const Findings& findings) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("ok", findings.exit_code == kExitOk);
  write_errors(json, "errors", findings.errors);
  write_errors(json, "warnings", findings.warnings);
  write_errors(json, "notes", findings.notes);
  json.key("explanations");
  json.begin_array();
  for (const Explanation& explanation : findings.explanations)
    write_explanation(json, explanation);
  json.end_array();
  json.end_object();
  return answer(text + "\n", findings.exit_code);
}

}  // namespace

int run_command(const CheckOptions& options) {
  const Configuration configuration = load_configuration(options.configuration);
  const Findings findings = judge(configuration, options);
  return options.format == CheckOptions::Format::kJson ? print_json(findings)
                                                       : print_text(configuration.name, findings);
}

int print_check(const Configuration& configuration) {
  return print_text(configuration.name, judge(configuration, {}));
}

}  // namespace polyport
