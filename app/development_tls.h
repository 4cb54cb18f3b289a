// The development certificate of this machine: for which names it is wanted, and how people come to
// trust its CA.
#pragma once

#include <string>
#include <vector>

#include "core/net/development_ca.h"

namespace polyport {

// What [server.tls] says.
struct DevelopmentTls {
  bool automatic = false;
  std::vector<std::string> names;  // checked, in the form x509::check_name gives
};

// Makes or finds it, for localhost, this machine's name and its private addresses, and for the
// names of the configuration. Of those it cannot be for only these are told (`refused`).
Result<DevelopmentCertificate> development_certificate(const std::string& state_dir,
                                                       const DevelopmentTls& settings);

// The notes of the start: where the CA is and how to trust it. `command`: "polyport ca my.toml".
std::vector<std::string> trust_notes(const DevelopmentCertificate& certificate,
                                     const std::string& command);

// All about a CA and every usual way to trust it, as `polyport ca` prints it.
std::string trust_text(const DevelopmentCa& ca);

}  // namespace polyport
