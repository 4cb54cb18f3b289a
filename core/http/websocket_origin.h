// Which web pages may open a WebSocket to a service that knows nothing of the web (RFC 6455 section
// 10.2).
//
// A browser connects wherever the script of any page says, the user's own machine included, and the
// only thing that tells the server so is the Origin header. A service behind ws:// (a chat, a
// forwarded database) never was meant to be reached from every page that its user opens.
#pragma once

#include <span>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

// Whether a page of `origin` may connect. Always where it is empty, which no browser sends; where
// the page comes from this machine (localhost, a loopback address), or from the very host that it
// connects to, if that is `authority` by an address or by a name that no foreign name server can
// give away (without a dot, or .localhost, .local, .internal, .home.arpa, .test); and where
// `allowed` names it or "*".
bool may_open_websocket(Bytes origin, Bytes authority, std::span<const std::string> allowed);

// "https://example.com", "http://10.0.0.1:8080", "null" or "*".
bool is_origin_pattern(Bytes text);

}  // namespace polyport::http
