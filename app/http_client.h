// What the commands that ask a server over HTTP have in common: reading the URL, and a connection
// to it. Both block; the connection within a time.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/ports/endpoint.h"
#include "core/socket/client_socket.h"

namespace polyport {

struct HttpUrl {
  std::string host_and_port;  // as written, for the Host field
  std::string path;           // "/" where there is none; it may stand in a request line
  Endpoint endpoint;          // one host, one port
  bool secure = false;
};

// "http://HOST[:PORT][/PATH]", or https. The errors have `example` as their hint.
Result<HttpUrl> parse_http_url(std::string_view text, std::string_view example);

// To the first address of the host that takes it; TLS is not begun.
Result<ClientSocket> connect_to(const HttpUrl& url, ClientSocket::Deadline deadline);

}  // namespace polyport
