// Error: what a set-up step (settings, bind, command line) hands back when it cannot go on.
//
// Not for what a peer or the network does to one connection: that is a CloseReason. Not for bugs:
// those are POLYPORT_ASSERT.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace polyport {

enum class ErrorCode {
  kSyntax,        // a file or an argument does not parse
  kUnknownKey,    // a key, a type or a name that does not exist
  kBadValue,      // of the right kind, but out of its range
  kBadType,       // of the wrong kind, a bare number where a unit belongs
  kConflict,      // two things that exclude each other
  kAddressInUse,  // EADDRINUSE
  kNotPermitted,  // EACCES, EPERM
  kNotAvailable,  // EADDRNOTAVAIL, EAFNOSUPPORT: not on this machine
  kDescriptors,   // EMFILE, ENFILE
  kNotFound,      // ENOENT, no such host
  kSystem,        // any other failed system call
};

// The word for the code in JSON, e.g. "address_in_use".
std::string_view name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kSystem;
  std::string what;   // one sentence without a full stop: "port 70000 is over 65535"
  std::string where;  // "file:line:column", or an endpoint; empty where there is no place
  std::string hint;   // the next thing to do; empty where nothing helps

  // "where: error: what (hint)", the one-line form of every command.
  std::string text() const;
};

using Errors = std::vector<Error>;

}  // namespace polyport
