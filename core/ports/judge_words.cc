#include "core/ports/judge_words.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "core/base/text.h"

namespace polyport {
namespace {

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

std::string user_of(const Holder& holder) {
  return holder.uid ? "user " + user_name(*holder.uid) : "another user";
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
  if (explanation.attempt.is_path()) return start + "another process has it or its lock";
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
  if (explanation.attempt.is_path()) {
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
  if (attempt.is_path() && attempt.error == ENOENT) return start + "its directory does not exist";
  if (attempt.is_path() && attempt.error == ENOTDIR) {
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
  if (!holder.workers.empty()) {
    const std::size_t workers = holder.workers.size();
    text += ", with " + std::to_string(workers) + (workers == 1 ? " worker" : " workers");
  }
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

}  // namespace polyport
