// Base64 (RFC 4648): sections 4 and 5.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

std::string base64(Bytes bytes);      // "+" and "/", padded
std::string base64_url(Bytes bytes);  // "-" and "_", padded

// Reads both alphabets, even mixed; the padding may be left out, but what is there must be right.
std::optional<std::string> decode_base64(Bytes text);

}  // namespace polyport::http
