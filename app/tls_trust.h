// Whom the commands believe that connect over TLS: the system's authorities, the development CA of
// this user where there is one, and what --ca names; with --insecure anybody.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"

namespace polyport {

class TlsClientContext;

struct TlsTrust {
  std::string ca;  // a PEM file
  bool insecure = false;
};

// Reads files. The development CA is that of the default state directory.
Result<std::shared_ptr<const TlsClientContext>> tls_client_context(const TlsTrust& trust);

}  // namespace polyport
