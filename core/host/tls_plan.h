// The TLS of a service: from its checked values to what core/net/tls.h serves with.
#pragma once

#include <optional>

#include "core/host/host.h"
#include "core/net/tls_context.h"

namespace polyport {

// Whether it has an endpoint that needs certificates.
bool wants_tls(const ServicePlan& plan);

// Where its certificates are and the rules of its TLS endpoints. `development` is the certificate
// for those that have none, where there is one. Reads no file.
TlsSettings tls_settings(const ServicePlan& plan, const std::optional<TlsFiles>& development,
                         Errors& errors);

// For `check`, and before a start: reads every file. `automatic`: the start will make certificates
// for those who have none.
void check_tls(const ServicePlan& plan, bool automatic, Errors& errors, Errors& warnings);

}  // namespace polyport
