#include "core/host/opener.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "core/base/text.h"
#include "core/ports/judge_words.h"
#include "core/ports/port_facts.h"

namespace polyport {

namespace {

constexpr int kLastPort = 65'535;
constexpr std::size_t kMostTold = 3;  // of one service and kind; a range may have a thousand

bool out_of_descriptors(const BindAttempt& attempt) {
  return attempt.error == EMFILE || attempt.error == ENFILE;
}

// What a service can do without: the port or path is somebody's, not here, or not permitted.
bool may_be_left_out(int error) {
  constexpr int kErrors[] = {EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EACCES,  EPERM,
                             ENOTSOCK,   EISDIR,        ENOENT,       ENOTDIR, EROFS};
  return std::find(std::begin(kErrors), std::end(kErrors), error) != std::end(kErrors);
}

bool takes(OnConflict policy, int error) {
  switch (policy) {
    case OnConflict::kSkip:
      return may_be_left_out(error);
    case OnConflict::kRetry:
      return error == EADDRINUSE || error == EADDRNOTAVAIL;
    case OnConflict::kNext:
    case OnConflict::kShare:
      return error == EADDRINUSE;
    case OnConflict::kFail:
      break;
  }
  return false;
}

bool takes_all(OnConflict policy, const std::vector<BindAttempt>& attempts) {
  return std::all_of(attempts.begin(), attempts.end(),
                     [policy](const BindAttempt& attempt) { return takes(policy, attempt.error); });
}

// One number for TCP, one for UDP, one for each path: as a person counts ports.
using CountedPort = std::tuple<Transport, std::uint16_t, std::string>;

CountedPort counted(const BindTarget& target) {
  return {target.transport, target.address.port, target.path};
}

std::string in_its_way(const Explanation& explanation) {
  if (explanation.holders.empty()) return explanation.text;
  return in_the_way(explanation.holders.front(), explanation.rule);
}

}  // namespace

Opener::Opener(Instances instances, const HostOptions& options)
    : instances_(instances), options_(options) {
  for (const auto& instance : instances_) {
    if (!instance->wants_ports()) continue;
    for (const PortGroup& group : instance->groups()) {
      for (const Port& port : group.ports)
        wanted_.push_back(port.target);
    }
  }
}

// --- opening -------------------------------------------------------------------------------------

StartFailure Opener::open() {
  for (const auto& instance : instances_) {
    if (instance->wants_ports() && !instance->closed()) open_instance(*instance);
    if (out_of_descriptors_) break;
  }
  // To look around takes descriptors.
  if (out_of_descriptors_) close_all();
  for (const auto& instance : instances_) {
    if (!instance->wants_ports() || !instance->closed() || out_of_descriptors_) continue;
    for (PortGroup& group : instance->groups())
      look_at_closed(*instance, group);
  }
  explain_all();
  forbid_double_doors();
  share_ports();
  tell_all();
  return failure();
}

StartFailure Opener::failure() {
  StartFailure failure;
  failure.errors = std::move(errors_);
  std::set<CountedPort> wanted, failed;
  for (const auto& instance : instances_) {
    for (const PortGroup& group : instance->groups()) {
      for (const Port& port : group.ports) {
        if (!instance->closed()) wanted.insert(counted(port.target));
      }
    }
  }
  for (const Conflict& conflict : conflicts_) {
    if (conflict.end != Conflict::End::kFatal) continue;
    for (const auto& explanation : conflict.explanations) {
      failed.insert(counted(explanation->attempt.target));
      failure.explanations.push_back(*explanation);
    }
  }
  failure.wanted_ports = wanted.size();
  failure.failed_ports = failed.size();
  return failure;
}

void Opener::open_instance(Instance& instance) {
  bool skipped = false;
  for (PortGroup& group : instance.groups()) {
    std::vector<BindAttempt> attempts = group.open(instance.bind_settings());
    if (attempts.empty()) continue;
    meet(instance, group, std::move(attempts));
    skipped = skipped || conflicts_.back().end == Conflict::End::kSkipped;
    if (out_of_descriptors_) return;
  }
  // At once, so that a later service may have the ports this one had. The reason comes later.
  if (skipped) instance.skip("");
}

void Opener::meet(Instance& instance, PortGroup& group, std::vector<BindAttempt> attempts) {
  Conflict conflict{
      .instance = &instance, .group = &group, .attempts = std::move(attempts), .explanations = {}};
  const OnConflict policy = instance.on_conflict();
  if (std::any_of(conflict.attempts.begin(), conflict.attempts.end(), out_of_descriptors)) {
    out_of_descriptors_ = true;
  } else if (takes_all(policy, conflict.attempts)) {
    if (policy == OnConflict::kSkip) conflict.end = Conflict::End::kSkipped;
    if (policy == OnConflict::kNext && move(conflict)) conflict.end = Conflict::End::kMoved;
    if (policy == OnConflict::kRetry) {
      conflict.end = Conflict::End::kRetrying;
      group.retrying = true;
      waiting_.push_back({&instance, &group, conflict.attempts.front().error});
    }
  }
  conflicts_.push_back(std::move(conflict));
}

void Opener::look_at_closed(Instance& instance, PortGroup& group) {
  Conflict conflict{.instance = &instance,
                    .group = &group,
                    .attempts = {},
                    .end = Conflict::End::kClosed,
                    .explanations = {}};
  for (const Port& port : group.ports) {
    if (port.target.transport == Transport::kUnix) continue;
    BindAttempt attempt = try_bind(port.target);
    if (attempt.error != EADDRINUSE) continue;
    attempt.service = group.service();
    attempt.where = group.where;
    conflict.attempts.push_back(std::move(attempt));
  }
  if (!conflict.attempts.empty()) conflicts_.push_back(std::move(conflict));
}

// What is reserved here and served by another service here is a mistake, as `check` says too.
void Opener::forbid_double_doors() {
  for (Conflict& conflict : conflicts_) {
    const auto& found = conflict.explanations;
    const bool ours = std::any_of(found.begin(), found.end(), [](const auto& explanation) {
      const auto& holders = explanation->holders;
      return std::any_of(holders.begin(), holders.end(),
                         [](const Holder& each) { return each.ours && !each.service.empty(); });
    });
    if (conflict.end == Conflict::End::kClosed && ours) conflict.end = Conflict::End::kFatal;
  }
}

void Opener::close_all() {
  for (const auto& instance : instances_) {
    for (PortGroup& group : instance->groups())
      group.close();
  }
}

// --- next ----------------------------------------------------------------------------------------

bool Opener::move(Conflict& conflict) {
  PortGroup& group = *conflict.group;
  const int first = group.ports.front().target.address.port;
  // A path has no next one, and what was given to us stays where it is.
  if (group.is_unix() || first == 0 || group.has_inherited()) return false;
  const int most = conflict.instance->next_attempts();
  int tried = 0;
  for (int number = first + 1; number <= kLastPort && tried < most; ++number) {
    const auto port = static_cast<std::uint16_t>(number);
    if (wanted_by_others(group, port)) continue;
    ++tried;
    const auto failed = group.open_at(port, conflict.instance->bind_settings());
    if (failed.empty()) {
      conflict.from = static_cast<std::uint16_t>(first);
      group.origin = ListenerOrigin::kMoved;
      return true;
    }
    if (!takes_all(OnConflict::kNext, failed)) return false;
  }
  errors_.push_back({ErrorCode::kAddressInUse,
                     "service " + quoted(group.service()) + ": none of the " +
                         std::to_string(tried) + " ports that were tried above " +
                         std::to_string(first) + " is free",
                     group.where, "raise next_attempts, or begin elsewhere"});
  return false;
}

bool Opener::wanted_by_others(const PortGroup& group, std::uint16_t port) const {
  return std::any_of(group.ports.begin(), group.ports.end(), [&](const Port& own) {
    BindTarget target = own.target;
    target.address.port = port;
    return std::any_of(wanted_.begin(), wanted_.end(),
                       [&](const BindTarget& other) { return overlap(target, other).has_value(); });
  });
}

// --- share ---------------------------------------------------------------------------------------

void Opener::share_ports() {
  for (Conflict& conflict : conflicts_) {
    const bool wanted = conflict.instance->on_conflict() == OnConflict::kShare &&
                        conflict.end == Conflict::End::kFatal && !conflict.group->is_unix() &&
                        takes_all(OnConflict::kShare, conflict.attempts);
    if (wanted && share(conflict)) conflict.end = Conflict::End::kShared;
  }
}

std::string_view share_obstacle(const Holder& holder) {
  if (holder.ours) return "two services of one configuration do not share a port";
  if (holder.kind == Holder::Kind::kConnection || holder.kind == Holder::Kind::kTimeWait) {
    return "a port is shared with other servers only";
  }
  if (holder.uid && *holder.uid != ::geteuid())
    return "a port is shared only with processes of the same user";
  if (!holder.process) return "it is not shared with a process that cannot be seen";
  return {};
}

bool Opener::share(Conflict& conflict) {
  std::string_view why;
  BindRule rule = BindRule::kNone;
  for (const auto& explanation : conflict.explanations) {
    if (explanation->holders.empty()) why = "whoever has it cannot be seen";
    for (const Holder& holder : explanation->holders) {
      if (why.empty()) why = share_obstacle(holder);
      if (holder.uid && *holder.uid != ::geteuid()) rule = BindRule::kReuseportOtherUser;
    }
  }
  std::vector<BindAttempt> refused;
  if (why.empty()) {
    BindSettings joining = conflict.instance->bind_settings();
    joining.sharing = Sharing::kJoin;
    refused = conflict.group->open(joining);
    if (refused.empty()) {
      conflict.group->origin = ListenerOrigin::kShared;
      return true;
    }
    why = "it does not allow sharing";
    rule = BindRule::kReuseportMissing;
  }
  for (auto& explanation : conflict.explanations) {
    auto amended = std::make_shared<Explanation>(*explanation);
    amended->attempt.reuse_port = amended->attempt.reuse_port || !refused.empty();
    if (rule != BindRule::kNone) amended->rule = rule;
    amended->text += "; " + std::string(why);
    explanation = std::move(amended);
  }
  return false;
}

// --- telling -------------------------------------------------------------------------------------

ExplainContext Opener::context() const {
  ExplainContext context{
      .own = {}, .wanted = wanted_, .run_command = options_.run_command, .offset = options_.offset};
  for (const auto& instance : instances_) {
    for (const PortGroup& group : instance->groups()) {
      for (const Port& port : group.ports) {
        if (port.socket) context.own.push_back({port.target, group.service(), group.where});
      }
    }
  }
  return context;
}

void Opener::explain_all() {
  std::vector<BindAttempt> attempts;
  for (const Conflict& conflict : conflicts_)
    attempts.insert(attempts.end(), conflict.attempts.begin(), conflict.attempts.end());
  if (attempts.empty()) return;
  auto explanations = explain(context().request(attempts));
  auto next = explanations.begin();
  for (Conflict& conflict : conflicts_) {
    for (std::size_t i = 0; i < conflict.attempts.size(); ++i)
      conflict.explanations.push_back(std::make_shared<const Explanation>(std::move(*next++)));
    conflict.group->set_explanations(conflict.explanations);
  }
}

void Opener::tell_all() {
  std::map<std::pair<Instance*, Conflict::End>, std::size_t> counts;
  for (Conflict& conflict : conflicts_) {
    if (conflict.end == Conflict::End::kFatal) continue;
    if (++counts[{conflict.instance, conflict.end}] <= kMostTold) tell(conflict);
  }
  for (const auto& [key, count] : counts) {
    const std::string& service = key.first->plan().name;
    if (count <= kMostTold || key.second == Conflict::End::kSkipped) continue;
    told_.push_back({.event = "listener_conflicts",
                     .service = service,
                     .message = service + ": the same holds for " +
                                std::to_string(count - kMostTold) + " more of its ports",
                     .note = true});
  }
}

void Opener::tell(const Conflict& conflict) {
  const PortGroup& group = *conflict.group;
  const Explanation& first = *conflict.explanations.front();
  const std::string& service = group.service();
  switch (conflict.end) {
    case Conflict::End::kFatal:
      break;
    case Conflict::End::kSkipped:
      if (conflict.instance->has_reason()) break;
      conflict.instance->skip(first.text);
      // The table tells the reason with the service.
      told_.push_back({"service_skipped", service, "left out: " + first.text, false});
      break;
    case Conflict::End::kMoved:
      told_.push_back({"listener_moved", service,
                       service + " moved from " + std::to_string(conflict.from) + " to " +
                           std::to_string(group.ports.front().target.address.port) + ": " +
                           in_its_way(first),
                       true});
      break;
    case Conflict::End::kRetrying:
      told_.push_back({"listener_retrying", service, service + " waits: " + first.text, true});
      break;
    case Conflict::End::kShared:
      told_.push_back({"listener_shared", service,
                       service + " shares " + spoken(first.attempt.target) + " with " +
                           who(first.holders.front()) + ": the kernel deals its clients out",
                       true});
      break;
    case Conflict::End::kClosed:
      told_.push_back({"listener_not_closed", service,
                       service + " is closed on purpose, but " + first.text, true});
      break;
  }
}

}  // namespace polyport
