// The words of a dial: whom it was for, what kept it from them.
#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/net/dialer.h"

namespace polyport {

std::string DialTarget::text() const {
  return address.family == Family::kUnix ? "unix:" + printable(path) : address.text();
}

std::string_view name(DialError error) {
  static constexpr std::array<std::string_view, kDialErrors> kNames = {
      "refused",       "timed_out",        "unreachable", "not_found", "not_permitted",
      "local_address", "descriptor_limit", "handshake",   "other"};
  const auto index = static_cast<std::size_t>(error);
  POLYPORT_ASSERT(index < kNames.size());
  return kNames[index];
}

DialError dial_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return DialError::kRefused;
    case ETIMEDOUT:
      return DialError::kTimedOut;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return DialError::kUnreachable;
    case ENOENT:
    case ENOTDIR:
      return DialError::kNotFound;
    case EACCES:
    case EPERM:
      return DialError::kNotPermitted;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return DialError::kLocalAddress;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return DialError::kDescriptors;
    default:
      return DialError::kOther;
  }
}

std::string DialFailure::text() const {
  std::string text;
  for (const Attempt& attempt : attempts) {
    if (!text.empty()) text += "; ";
    text += attempt.target.text() + ": " +
            (handshake.empty() ? std::string(std::strerror(attempt.error)) : handshake);
  }
  return text;
}

}  // namespace polyport
