// Base64 with padding (RFC 4648 section 4), writing only.
#pragma once

#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

std::string base64(Bytes bytes);

}  // namespace polyport::http
