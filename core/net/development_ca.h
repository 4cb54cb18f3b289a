// The development CA: a certificate authority of this user alone, for https:// on this machine with
// no set-up.
//
// It is made once and kept in STATE/tls, with the servers' certificates it signs:
//
//   ca.crt, ca.key          the CA; ten years
//   server.key              the key of all certificates below
//   server-HASH.crt         one for each set of names, with the CA's behind it; 397 days, and made
//                           anew in the last 30 of them
//   lock                    held while something is written
//
// What a stolen ca.key can do is bounded by the CA's name constraints (core/net/x509.h), which
// every client of today heeds: it can pretend to be a machine near by, never one of the Internet.
// The key is read only when a certificate must be made, and wiped afterwards. Whoever deletes it
// has the certificates that there are until they end.
//
// Where nothing can be written, all of it is made for this process alone and lies in memory files.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/base/memory_file.h"
#include "core/base/result.h"

namespace polyport {

struct DevelopmentCa {
  std::string path;         // of ca.crt
  std::string fingerprint;  // SHA-256, "AB:CD:…"
  std::string name;         // what trust stores show
  std::chrono::sys_seconds until;
};

struct DevelopmentCertificate {
  DevelopmentCa ca;
  bool ca_is_new = false;            // made by this call: nobody trusts it yet
  std::string chain_path;            // PEM, the CA behind it
  std::string key_path;              // PEM, mode 0600
  std::vector<std::string> names;    // what it is for
  std::vector<std::string> refused;  // wanted names that the CA may not sign for
  std::chrono::sys_seconds until;
  // Why it is not stored: it ends with this object, and the next start makes another CA.
  std::optional<Error> not_stored;
  std::vector<MemoryFile> memory;  // what the paths mean then
};

struct DevelopmentWishes {
  std::vector<std::string> names;  // see x509::check_name; which of them may be had is answered
  std::string host_name;           // of this machine: a new CA may sign for it; empty: unknown
};

// The CA and a certificate for these names: as they are, where they are good, and nothing is
// written then; made and stored otherwise, or, where the folder cannot be made or written, in
// memory (`not_stored`). A file that is there and is not what it should be is an error that names
// it; it is never overwritten. Waits for another process that does the same, at most 10 s. `now`:
// for tests.
Result<DevelopmentCertificate> development_certificate(
    const std::string& state_dir, const DevelopmentWishes& wishes,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

// The CA as it is. kNotFound where there is none. Writes nothing.
Result<DevelopmentCa> development_ca(const std::string& state_dir);

}  // namespace polyport
