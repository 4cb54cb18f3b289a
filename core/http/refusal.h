// Refusal: why a message is not taken, as the status of the answer and one sentence for a person.
#pragma once

#include "core/base/bytes.h"

namespace polyport::http {

struct Refusal {
  int status = 0;     // 0: nothing is wrong
  Bytes detail = {};  // a literal; says what to do where something helps

  explicit operator bool() const { return status != 0; }
};

// What a client gets that is not let in (StreamHandler::refusal).
inline constexpr Bytes kFullAnswer =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\n"
    "Content-Length: 121\r\n"
    "Retry-After: 1\r\n"
    "Connection: close\r\n"
    "\r\n"
    "{\"status_code\":503,\"error\":\"Service Unavailable\","
    "\"detail\":\"as many clients are served as may be; try again in a second\"}\n";

}  // namespace polyport::http
