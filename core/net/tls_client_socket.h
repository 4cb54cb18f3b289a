// TLS over a ClientSocket, for commands without an event loop.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/net/tls_client.h"
#include "core/socket/client_socket.h"

namespace polyport {

// What was agreed on, for a person: "TLSv1.3, TLS_AES_256_GCM_SHA384".
using TlsAgreement = std::string;

// Shakes hands with `host` over a connected socket, which then carries TLS. Waits until the
// deadline at most. SIGPIPE must be ignored.
Result<TlsAgreement> start_tls(ClientSocket& socket, const TlsClientContext& context,
                               const std::string& host, ClientSocket::Deadline deadline);

}  // namespace polyport
