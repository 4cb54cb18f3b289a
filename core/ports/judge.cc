#include "core/ports/judge.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "core/base/text.h"
#include "core/ports/machine_facts.h"
#include "core/ports/port_names.h"

namespace polyport {
namespace {

bool is_path(const BindAttempt& attempt) {
  return attempt.target.transport == Transport::kUnix;
}

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

void add_holders(Explanation& explanation, const PortFacts& facts, std::span<const OwnSocket> own) {
  const std::vector<Found> found = find_holders(explanation.attempt.target, facts);
  explanation.holders_in_all = found.size();
  // Who may not have a port at all is told who has it, but that is not the reason.
  if (!found.empty() && explanation.verdict == Verdict::kTaken) {
    explanation.rule = found.front().rule;
  }
  for (const Found& each : found) {
    if (explanation.holders.size() == kMaxHolders) break;
    explanation.holders.push_back(holder_of(*each.socket, facts, own));
  }
  if (is_path(explanation.attempt) && found.empty()) add_own_path(explanation, own);
  // bind() met a file, and nobody listens on it.
  const bool left_over = is_path(explanation.attempt) && explanation.holders.empty() &&
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
                          !is_path(attempt) && attempt.target.address.port != 0 &&
                          attempt.target.address.port < facts.unprivileged_start;
  const bool no_family =
      attempt.target.address.family == Family::kIPv6 ? !facts.families.ipv6 : !facts.families.ipv4;
  switch (attempt.error) {
    case EADDRINUSE:
      return {Verdict::kTaken, is_path(attempt) ? BindRule::kPathInUse : BindRule::kNone};
    case EACCES:
    case EPERM:
      return {Verdict::kForbidden, privileged ? BindRule::kPrivilegedPort : BindRule::kPermission};
    case EROFS:
      return {Verdict::kForbidden, BindRule::kPermission};
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return {Verdict::kUnavailable, no_family && !is_path(attempt) ? BindRule::kFamilyUnavailable
                                                                    : BindRule::kAddressNotLocal};
    case EMFILE:
    case ENFILE:
      return {Verdict::kUnavailable, BindRule::kDescriptorLimit};
    case EISDIR:
    case ENOTSOCK:
    case EEXIST:
      return {Verdict::kTaken, BindRule::kPathNotSocket};
    case ENAMETOOLONG:
      return {Verdict::kInvalid, is_path(attempt) ? BindRule::kPathTooLong : BindRule::kNone};
    case EINVAL:
      return {Verdict::kInvalid, BindRule::kNone};
    default:
      return {Verdict::kUnavailable, BindRule::kNone};
  }
}

// --- the sentence --------------------------------------------------------------------------------

std::string since(std::chrono::system_clock::time_point when) {
  const std::time_t then = std::chrono::system_clock::to_time_t(when);
  const std::time_t now = std::time(nullptr);
  std::tm start{};
  std::tm today{};
  ::localtime_r(&then, &start);
  ::localtime_r(&now, &today);
  const bool same_day = start.tm_year == today.tm_year && start.tm_yday == today.tm_yday;
  std::array<char, 32> text{};
  const std::size_t length =
      std::strftime(text.data(), text.size(), same_day ? "%H:%M" : "%F", &start);
  return "since " + std::string(text.data(), length);
}

std::string other_holders(const Explanation& explanation) {
  if (explanation.holders_in_all < 2) return "";
  const std::size_t others = explanation.holders_in_all - 1;
  return "; " + std::to_string(others) + (others == 1 ? " other socket is" : " other sockets are") +
         " in the way too";
}

std::string taken(const Explanation& explanation, const PortFacts& facts) {
  const std::string start = "taken: ";
  if (explanation.rule == BindRule::kPathNotSocket) {
    return start + (explanation.attempt.error == EISDIR ? "a directory is there"
                                                        : "a file that is no socket is there");
  }
  if (!explanation.holders.empty()) {
    return start + in_the_way(explanation.holders.front(), explanation.rule) +
           other_holders(explanation);
  }
  if (explanation.rule == BindRule::kPathStale) {
    return start + "the socket file of a process that is gone lies there";
  }
  if (is_path(explanation.attempt)) return start + "another process has it or its lock";
  return start + (facts.kernel.shows_bound_tcp
                      ? "the kernel refuses it and shows no socket there; it may have gone just now"
                      : "the kernel shows no socket there; one that is bound and does not listen "
                        "would not be shown");
}

std::string forbidden(const Explanation& explanation, const PortFacts& facts) {
  const std::string start = "not permitted: ";
  if (explanation.rule == BindRule::kPrivilegedPort) {
    return start + "ports below " + std::to_string(facts.unprivileged_start) +
           " need a privilege that user " + user_name(facts.uid) + " lacks here" +
           (explanation.holders.empty()
                ? ""
                : "; it is " + in_the_way(explanation.holders.front(), BindRule::kSameEndpoint) +
                      ", too");
  }
  if (is_path(explanation.attempt)) {
    return start + (explanation.attempt.error == EROFS
                        ? "its directory is on a read-only file system"
                        : "its directory may not be written to by " + user_name(facts.uid));
  }
  return start + "a security policy of this system forbids it (" +
         strerrorname_np(explanation.attempt.error) + ")";
}

std::string address_not_local(Address address, const PortFacts& facts) {
  address.port = 0;
  const auto is_among = [&](const std::vector<Address>& list) {
    return std::find(list.begin(), list.end(), address) != list.end();
  };
  const std::string ip = address.ip_text();
  if (is_among(facts.unusable.duplicate)) {
    return "another machine on the network has the address " + ip + " too";
  }
  if (is_among(facts.unusable.tentative)) {
    return ip +
           " is this machine's, but IPv6 still tests whether another machine has it too, for "
           "about a second";
  }
  // It may have come just now.
  if (is_among(facts.addresses)) return ip + " is this machine's, but was not ready";
  return "no interface of this machine has the address " + ip;
}

std::string unavailable(const Explanation& explanation, const PortFacts& facts) {
  const BindAttempt& attempt = explanation.attempt;
  const std::string start = "not to be had: ";
  switch (explanation.rule) {
    case BindRule::kFamilyUnavailable:
      return start + (attempt.target.address.family == Family::kIPv6 ? "IPv6" : "IPv4") +
             " is off on this machine";
    case BindRule::kAddressNotLocal:
      return start + address_not_local(attempt.target.address, facts);
    case BindRule::kDescriptorLimit:
      return start + (attempt.error == EMFILE ? "this process" : "this system") +
             " has no descriptors left";
    default:
      break;
  }
  if (is_path(attempt) && attempt.error == ENOENT) return start + "its directory does not exist";
  if (is_path(attempt) && attempt.error == ENOTDIR) {
    return start + "a part of its path is no directory";
  }
  return start + std::string(name(attempt.step)) + " failed: " + std::strerror(attempt.error);
}

std::string invalid(const Explanation& explanation) {
  const BindAttempt& attempt = explanation.attempt;
  const std::string start = "not to be bound: ";
  if (explanation.rule == BindRule::kPathTooLong) {
    return start + "the path is " + std::to_string(attempt.target.path.size()) +
           " bytes long, 107 are possible";
  }
  const Address& address = attempt.target.address;
  if (address.is_link_local() && address.scope_id == 0) {
    return start + "a link-local address needs its interface, as in fe80::1%eth0";
  }
  return start + std::strerror(attempt.error);
}

std::string reason_for(const Explanation& explanation, const PortFacts& facts) {
  switch (explanation.verdict) {
    case Verdict::kTaken:
      return taken(explanation, facts);
    case Verdict::kForbidden:
      return forbidden(explanation, facts);
    case Verdict::kUnavailable:
      return unavailable(explanation, facts);
    case Verdict::kInvalid:
      return invalid(explanation);
    case Verdict::kFree:
      break;
  }
  return "free";
}

}  // namespace

std::string_view name(View view) {
  switch (view) {
    case View::kContainer:
      return "this container";
    case View::kNamespace:
      return "this network namespace";
    case View::kMachine:
      break;
  }
  return "";
}

std::string aside(View view) {
  if (view == View::kMachine) return "";
  return "\nThese are the ports of " + std::string(name(view)) +
         "; those of the host are not visible from here.\n";
}

namespace {

std::string user_of(const Holder& holder) {
  return holder.uid ? "user " + user_name(*holder.uid) : "another user";
}

}  // namespace

std::string who(const Holder& holder) {
  if (holder.ours) {
    if (holder.service.empty()) return "this process itself";
    const std::string place = holder.where.empty() ? "" : " (" + holder.where + ")";
    return "service " + quoted(holder.service) + " of the same configuration" + place;
  }
  if (!holder.process) {
    switch (holder.hidden) {
      case Hidden::kOtherUser:
        // Root without all of root's rights, or a process that protects itself.
        if (holder.yours) return "a process of yours that does not let this one look at it";
        return user_of(holder) + "; only that user or root can see which process";
      case Hidden::kPidNamespace:
        return "a process outside this PID namespace (of the host, or of another container), of " +
               user_of(holder);
      case Hidden::kKernel:
        return "the kernel itself; no process has it";
      default:
        return "no process that can be found";
    }
  }
  const Process& process = *holder.process;
  std::string text = process.name + " (pid " + std::to_string(process.pid) + "), ";
  text += holder.yours ? "yours" : "of user " + process.user;
  if (process.started) text += ", " + since(*process.started);
  if (!process.container.empty()) text += ", in container " + process.container;
  if (!process.unit.empty()) text += ", unit " + process.unit;
  if (!holder.more_pids.empty()) {
    const std::size_t more = holder.more_pids.size();
    text += ", and " + std::to_string(more) +
            (more == 1 ? " more process has" : " more processes have") + " it open";
  }
  if (!holder.service.empty()) {
    text += ", its service " + quoted(holder.service);
    if (!holder.where.empty()) text += " (" + holder.where + ")";
  }
  return text;
}

std::string in_the_way(const Holder& holder, BindRule rule) {
  switch (holder.kind) {
    case Holder::Kind::kTimeWait:
      return "a closed connection with " + holder.remote +
             " is in TIME_WAIT, for 60 s from its end; no process has it any more";
    case Holder::Kind::kConnection:
      if (rule == BindRule::kEphemeralLocalPort) {
        return "lent to an outgoing connection to " + holder.remote + ", of " + who(holder);
      }
      return "nobody listens on it, but a connection with " + holder.remote +
             " has it at this end, of " + who(holder);
    case Holder::Kind::kBound:
      break;
    default:
      if (rule == BindRule::kBoundNotListening) break;
      return "held by " + who(holder) +
             (rule == BindRule::kSameEndpoint || rule == BindRule::kPathInUse
                  ? ""
                  : ", on " + holder.endpoint);
  }
  return "bound, though not listening, by " + who(holder);
}

Explanation judge(const BindAttempt& attempt, const PortFacts& facts,
                  std::span<const OwnSocket> own) {
  Explanation explanation;
  explanation.attempt = attempt;
  explanation.ephemeral = facts.ephemeral;
  if (!is_path(attempt)) {
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
