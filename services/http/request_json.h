// What /echo, /socket and /now answer: facts of a request, a connection or the clock, as JSON.
#pragma once

#include <chrono>
#include <string>

#include "core/http/handler.h"

namespace polyport::services::http {

// The request as the server read it. Arguments and headers are lists under their name, in the order
// they first came; a body that is not UTF-8 becomes a base64 data URL.
std::string request_json(const polyport::http::Request& request, const Address& peer);

// The connection: both ends with the range of their ports, its age and requests.
std::string socket_json(const Connection& connection);

// One instant in the formats people compare clocks in. All of them are UTC.
std::string time_json(std::chrono::system_clock::time_point now);

}  // namespace polyport::services::http
