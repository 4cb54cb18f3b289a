// What /echo and /socket answer: facts of a request or a connection, as JSON.
#pragma once

#include <string>

#include "core/http/handler.h"

namespace polyport::services::http {

// The request as the server read it. Arguments and headers are lists under their name, in the order
// they first came; a body that is not UTF-8 becomes a base64 data URL.
std::string request_json(const polyport::http::Request& request, const Connection& connection);

// The connection: both ends with the range of their ports, its age and requests, what the kernel
// measured on it, and its TLS (null: there is none).
std::string socket_json(const Connection& connection);

}  // namespace polyport::services::http
