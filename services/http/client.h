// Who a request is from, and how it was asked for: by the socket, or, behind a proxy that is
// trusted, by what the proxy says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/http/handler.h"
#include "core/socket/address.h"

namespace polyport::services::http {

// Networks in CIDR form; "10.0.0.0/8", "::1", and "unix" for whoever comes through a unix socket.
class Networks {
 public:
  // Errors have no place.
  static Result<Networks> parse(const std::vector<std::string>& list);
  bool contain(const Address& address) const;
  bool empty() const { return nets_.empty() && !unix_; }

 private:
  struct Net {
    Address address;
    unsigned bits = 0;
  };
  std::vector<Net> nets_;
  bool unix_ = false;
};

struct Client {
  std::string ip;           // as text; "unix" where there is none
  std::uint16_t port = 0;   // 0 where a proxy told of the client
  std::string_view scheme;  // "http" or "https"
  bool through_proxy = false;
};

// From a trusted proxy X-Forwarded-For counts from its end: the last address that is not a trusted
// proxy itself. Without it Fly-Client-IP, CF-Connecting-IP, Fastly-Client-IP, True-Client-IP and
// X-Real-IP do. What is no address is not believed. The scheme is X-Forwarded-Proto's, from a
// trusted proxy that sends it, else that of the connection.
Client client_of(polyport::http::Exchange& exchange, const Networks& trusted);

}  // namespace polyport::services::http
