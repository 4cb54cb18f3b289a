// PortQuestion: what a person asks about a port, "80", "udp:53", "http", "127.0.0.1:80",
// "/run/x.sock".
//
// Only the question is read here; the names of ports come from port_names.h. Whether the port is
// free, and which service of a configuration may be meant, is for whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/ports/endpoint.h"

namespace polyport {

struct PortQuestion {
  // Those that were named, or both TCP and UDP; for a name those it is registered for; kUnix alone
  // for a path.
  Transports transports = polyport::transports(Transport::kTcp, Transport::kUdp);
  std::string host;  // as in Endpoint, "*" too; empty where no address was named
  // Nothing for a unix path, and for a name that is nobody's: it may be a service's (see
  // unregistered).
  std::optional<std::uint16_t> port;
  std::string name;  // the port's, where it was asked for by name; in lower case
  std::string path;  // of a unix socket, as in Endpoint

  bool is_path() const { return !path.empty(); }
};

// Reads PORT, tcp:PORT or udp:PORT, PORT/tcp or PORT/udp, HOST:PORT, an endpoint in full, a unix
// path; PORT is a number or a name. Every way to be wrong has its own sentence; errors have no
// place.
Result<PortQuestion> parse_port_question(std::string_view text);

// What to say where a question's name is neither registered nor a service's.
Error unregistered(const PortQuestion& question);

}  // namespace polyport
