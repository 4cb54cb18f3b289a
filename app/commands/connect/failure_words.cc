// The sentences about connections that did not come about: one a cause, with the kernel's own name.
#include <cerrno>
#include <cstring>

#include "app/commands/connect/words.h"
#include "app/commands/exit_code.h"
#include "core/base/units.h"

namespace polyport {
namespace {

using Step = Failure::Step;

std::string lent_text(EphemeralRange lent) {
  return std::to_string(lent.low) + "-" + std::to_string(lent.high);
}

std::string refused(const Ends& ends) {
  if (ends.transport == Transport::kUnix) {
    return labelled("refused", far_text(ends) +
                                   ": the file is there, but nobody listens on it "
                                   "(ECONNREFUSED)");
  }
  return labelled("refused", far_text(ends) + ": nobody listens on TCP port " +
                                 std::to_string(ends.peer.port) +
                                 " there (a RST came back, ECONNREFUSED)");
}

std::string timed_out(const Failure& failure) {
  const std::string start =
      far_text(failure.ends) + ": no answer within " + human_duration(failure.waited) + ": ";
  if (failure.ends.transport == Transport::kUnix) {
    return labelled("timed out", start + "the accept queue of the server is full (ETIMEDOUT)");
  }
  return labelled("timed out", start +
                                   "a firewall swallows what we send, or the accept queue of "
                                   "the server is full (ETIMEDOUT)");
}

std::string pair_not_available(const Failure& failure, EphemeralRange lent) {
  const Ends& ends = failure.ends;
  if (ends.local.port != 0) {
    return labelled("not available",
                    far_text(ends) + " from port " + std::to_string(ends.local.port) +
                        ": this exact pair exists already, or waits in TIME_WAIT "
                        "(EADDRNOTAVAIL). A connection is known by the addresses and ports of both "
                        "its ends; change one of the four");
  }
  return labelled("not available",
                  far_text(ends) +
                      ": no address of this machine leads there, or all ports that "
                      "Linux lends (" +
                      lent_text(lent) + ") are taken towards it (EADDRNOTAVAIL)");
}

std::string bind_failed(const Failure& failure) {
  const std::string local = failure.ends.local.text();
  switch (failure.error) {
    case EADDRINUSE:
      return labelled("in use", local +
                                    ": the near end cannot be had; somebody listens on it, or "
                                    "uses it without SO_REUSEADDR (EADDRINUSE)");
    case EADDRNOTAVAIL:
      return labelled("not available", failure.ends.local.ip_text() +
                                           " is no address of this machine (EADDRNOTAVAIL); "
                                           "`ip address` lists them");
    case EACCES:
      return labelled("not permitted", local + ": ports below " +
                                           std::to_string(unprivileged_port_start()) +
                                           " need a privilege on this machine (EACCES)");
    default:
      return labelled("failed",
                      local + ": the near end cannot be bound: " + std::strerror(failure.error));
  }
}

std::string connect_failed(const Failure& failure, EphemeralRange lent) {
  const std::string far = far_text(failure.ends);
  const bool is_unix = failure.ends.transport == Transport::kUnix;
  switch (failure.error) {
    case ECONNREFUSED:
      return refused(failure.ends);
    case ETIMEDOUT:
      return timed_out(failure);
    case ECONNRESET:
      return labelled("reset", far +
                                   ": the server answered and broke it off at once (RST, "
                                   "ECONNRESET)");
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return labelled("no route", far + ": no way leads there from this machine (" +
                                      std::strerror(failure.error) + ")");
    case EAFNOSUPPORT:
      return labelled("no route", far +
                                      ": this machine does not have this family of addresses "
                                      "(EAFNOSUPPORT)");
    case EADDRNOTAVAIL:
      return pair_not_available(failure, lent);
    case ENOENT:
      return labelled("no such file", far + ": there is no socket file (ENOENT)");
    case EACCES:
    case EPERM:
      return labelled("not permitted",
                      far + (is_unix ? ": you may not write to this socket file (EACCES)"
                                     : ": a rule of this machine forbids it"));
    default:
      return labelled("failed", far + ": " + std::strerror(failure.error));
  }
}

}  // namespace

std::string failure_text(const Failure& failure, EphemeralRange lent) {
  if (failure.error == EMFILE || failure.error == ENFILE) {
    return labelled("failed",
                    "no descriptor is left for another socket (`ulimit -n` raises the "
                    "limit)");
  }
  return failure.step == Step::kBind ? bind_failed(failure) : connect_failed(failure, lent);
}

int failure_exit(const Failure& failure) {
  switch (failure.error) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return kExitFailed;
    case EACCES:
    case EPERM:
      return kExitNotPermitted;
    default:
      return failure.step == Step::kBind ? kExitCannotBind : kExitNo;
  }
}

}  // namespace polyport
