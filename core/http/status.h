// The reason phrases of the status codes (RFC 9110 section 15 and the IANA registry).
#pragma once

#include "core/base/bytes.h"

namespace polyport::http {

// "Not Found" for 404; "Unknown" for a code that nobody registered.
Bytes reason_phrase(int status);

// Whether an answer of that status has no body by definition: 1xx, 204, 304.
constexpr bool is_bodiless(int status) {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

}  // namespace polyport::http
