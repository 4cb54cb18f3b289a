#include "core/ports/judge.h"

#include <algorithm>
#include <cerrno>

#include "core/ports/judge_words.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

// --- finding what is in the way ------------------------------------------------------------------

struct Found {
  const KernelSocket* socket;
  BindRule rule;
};

// A server in the way explains more than a connection, and a living one more than a dead one.
int weight(BindRule rule) {
  switch (rule) {
    case BindRule::kTimeWait:
      return 0;
    case BindRule::kLiveChild:
      return 1;
    case BindRule::kEphemeralLocalPort:
      return 2;
    default:
      return 3;
  }
}

// The sockets of the weightiest kind; the others follow from them, or would not matter without.
std::vector<Found> find_holders(const BindTarget& target, const PortFacts& facts) {
  const Surroundings surroundings{facts.kernel.sockets, facts.ephemeral};
  std::vector<Found> found;
  int heaviest = 0;
  for (const KernelSocket& socket : facts.kernel.sockets) {
    if (const auto rule = explains_refusal(target, socket, surroundings)) {
      found.push_back({&socket, *rule});
      heaviest = std::max(heaviest, weight(*rule));
    }
  }
  std::erase_if(found, [heaviest](const Found& each) { return weight(each.rule) < heaviest; });
  // What listens stands before what has only bound, and the order does not change from run to run.
  std::sort(found.begin(), found.end(), [](const Found& left, const Found& right) {
    if (left.socket->state != right.socket->state) return left.socket->state < right.socket->state;
    return left.socket->local < right.socket->local;
  });
  return found;
}

Holder::Kind kind_of(const KernelSocket& socket) {
  if (socket.transport == Transport::kUnix) return Holder::Kind::kUnix;
  if (socket.transport == Transport::kUdp) {
    return socket.peer.is_ip() ? Holder::Kind::kConnection : Holder::Kind::kUdp;
  }
  switch (socket.state) {
    case SocketState::kListening:
      return Holder::Kind::kListener;
    case SocketState::kBound:
      return Holder::Kind::kBound;
    case SocketState::kTimeWait:
      return Holder::Kind::kTimeWait;
    default:
      return Holder::Kind::kConnection;
  }
}

bool is_own(const OwnSocket& own, const KernelSocket& socket) {
  if (own.target.transport != socket.transport) return false;
  if (socket.transport == Transport::kUnix) return own.target.path == socket.path;
  return own.target.address == socket.local;
}

Holder holder_of(const KernelSocket& socket, const PortFacts& facts,
                 std::span<const OwnSocket> own) {
  Holder holder;
  holder.kind = kind_of(socket);
  holder.endpoint =
      socket.transport == Transport::kUnix ? "unix:" + socket.path : socket.local.text();
  if (socket.peer.is_ip()) holder.remote = socket.peer.text();
  if (socket.inode == 0) {  // nobody's any more
    holder.hidden = Hidden::kNotListed;
    return holder;
  }
  const auto known = facts.owners.find(socket.inode);
  if (known != facts.owners.end()) {
    holder.process = known->second.process;
    holder.workers = known->second.workers;
    holder.more_pids = known->second.more_pids;
    holder.hidden = known->second.hidden;
    holder.service = known->second.service;
    holder.where = known->second.where;
  } else {
    holder.hidden = Hidden::kNotListed;
  }
  holder.ours = holder.process && holder.process->pid == facts.pid;
  if (socket.uid_known) {
    holder.uid = socket.uid;
  } else if (holder.process) {
    holder.uid = holder.process->uid;
  }
  holder.yours = (holder.process ? holder.process->uid : holder.uid) == facts.uid;
  if (!holder.ours) return holder;
  const auto mine = std::find_if(own.begin(), own.end(),
                                 [&](const OwnSocket& each) { return is_own(each, socket); });
  if (mine != own.end()) {
    holder.service = mine->service;
    holder.where = mine->where;
  }
  return holder;
}

// The service of this configuration that has the path already: its lock is told by no table.
void add_own_path(Explanation& explanation, std::span<const OwnSocket> own) {
  const BindTarget& target = explanation.attempt.target;
  const auto mine = std::find_if(own.begin(), own.end(), [&](const OwnSocket& each) {
    return each.target.transport == Transport::kUnix &&
           same_socket_path(each.target.path) == same_socket_path(target.path);
  });
  if (mine == own.end()) return;
  Holder holder;
  holder.kind = Holder::Kind::kUnix;
  holder.endpoint = mine->target.endpoint();
  holder.ours = true;
  holder.yours = true;
  holder.service = mine->service;
  holder.where = mine->where;
  explanation.holders.push_back(std::move(holder));
  explanation.holders_in_all = 1;
}

// The workers of a polyport have a socket each for one port: that is one holder.
bool join_workers(std::vector<Holder>& holders, const Holder& another) {
  for (Holder& holder : holders) {
    // One that has just lost its worker has the supervisor alone.
    if (holder.workers.empty() && another.workers.empty()) continue;
    const bool same = holder.process && another.process &&
                      holder.process->pid == another.process->pid && holder.kind == another.kind &&
                      holder.endpoint == another.endpoint && holder.remote == another.remote &&
                      holder.more_pids == another.more_pids;
    if (!same) continue;
    holder.workers.insert(holder.workers.end(), another.workers.begin(), another.workers.end());
    return true;
  }
  return false;
}

void add_holders(Explanation& explanation, const PortFacts& facts, std::span<const OwnSocket> own) {
  const std::vector<Found> found = find_holders(explanation.attempt.target, facts);
  explanation.holders_in_all = found.size();
  // Who may not have a port at all is told who has it, but that is not the reason.
  if (!found.empty() && explanation.verdict == Verdict::kTaken) {
    explanation.rule = found.front().rule;
  }
  for (const Found& each : found) {
    if (explanation.holders.size() == kMaxHolders) break;
    Holder holder = holder_of(*each.socket, facts, own);
    if (join_workers(explanation.holders, holder)) {
      --explanation.holders_in_all;
    } else {
      explanation.holders.push_back(std::move(holder));
    }
  }
  if (explanation.attempt.is_path() && found.empty()) add_own_path(explanation, own);
  // bind() met a file, and nobody listens on it.
  const bool left_over = explanation.attempt.is_path() && explanation.holders.empty() &&
                         explanation.attempt.error == EADDRINUSE &&
                         explanation.attempt.step == BindStep::kBind &&
                         !explanation.attempt.target.path.starts_with('@');
  if (left_over) explanation.rule = BindRule::kPathStale;
  if (!explanation.attempt.reuse_port || explanation.verdict != Verdict::kTaken) return;
  const auto& holders = explanation.holders;
  const bool another_user = std::any_of(holders.begin(), holders.end(), [&](const Holder& holder) {
    return holder.uid && *holder.uid != facts.uid;
  });
  if (!holders.empty()) {
    explanation.rule = another_user ? BindRule::kReuseportOtherUser : BindRule::kReuseportMissing;
  }
}

// --- the verdict ---------------------------------------------------------------------------------

struct Judgement {
  Verdict verdict;
  BindRule rule;
};

Judgement judge_refusal(const BindAttempt& attempt, const PortFacts& facts) {
  const bool privileged = attempt.error == EACCES && !facts.may_bind_privileged &&
                          !attempt.is_path() && attempt.target.address.port != 0 &&
                          attempt.target.address.port < facts.unprivileged_start;
  const bool no_family =
      attempt.target.address.family == Family::kIPv6 ? !facts.families.ipv6 : !facts.families.ipv4;
  switch (attempt.error) {
    case EADDRINUSE:
      return {Verdict::kTaken, attempt.is_path() ? BindRule::kPathInUse : BindRule::kNone};
    case EACCES:
    case EPERM:
      return {Verdict::kForbidden, privileged ? BindRule::kPrivilegedPort : BindRule::kPermission};
    case EROFS:
      return {Verdict::kForbidden, BindRule::kPermission};
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return {Verdict::kUnavailable, no_family && !attempt.is_path() ? BindRule::kFamilyUnavailable
                                                                     : BindRule::kAddressNotLocal};
    case EMFILE:
    case ENFILE:
      return {Verdict::kUnavailable, BindRule::kDescriptorLimit};
    case EISDIR:
    case ENOTSOCK:
    case EEXIST:
      return {Verdict::kTaken, BindRule::kPathNotSocket};
    case ENAMETOOLONG:
      return {Verdict::kInvalid, attempt.is_path() ? BindRule::kPathTooLong : BindRule::kNone};
    case EINVAL:
      return {Verdict::kInvalid, BindRule::kNone};
    default:
      return {Verdict::kUnavailable, BindRule::kNone};
  }
}

}  // namespace

Explanation judge(const BindAttempt& attempt, const PortFacts& facts,
                  std::span<const OwnSocket> own) {
  Explanation explanation;
  explanation.attempt = attempt;
  explanation.ephemeral = facts.ephemeral;
  if (!attempt.is_path()) {
    explanation.range = port_range(attempt.target.address.port);
    explanation.iana_name = port_name(attempt.target.address.port, attempt.target.transport);
  }
  if (attempt.error != 0) {
    const Judgement judgement = judge_refusal(attempt, facts);
    explanation.verdict = judgement.verdict;
    explanation.rule = judgement.rule;
    if (judgement.verdict == Verdict::kTaken || judgement.rule == BindRule::kPrivilegedPort) {
      add_holders(explanation, facts, own);
    }
  }
  explanation.reason = reason_for(explanation, facts);
  explanation.text = spoken(attempt.target) + " is " + explanation.reason;
  if (facts.view != View::kMachine) {
    explanation.text += " (seen from " + std::string(name(facts.view)) + ")";
  }
  return explanation;
}

}  // namespace polyport
