// Choosing a representation by the Accept headers (RFC 9110 section 12.5).
#pragma once

#include <initializer_list>
#include <optional>

#include "core/base/bytes.h"

namespace polyport::http {

// How much `accept` likes the media type `type` ("text/html"), in thousandths: the q of its most
// specific range that matches; 0 where none does. An empty header likes everything (1000).
int quality(Bytes accept, Bytes type);

// The one of `types` that `accept` likes best; of equals the first, and the first where it likes
// none.
Bytes preferred_type(Bytes accept, std::initializer_list<Bytes> types);

// The q, in thousandths, of the element `coding` of an Accept-Encoding header ("gzip", "*",
// "identity"); nothing where it does not stand there.
std::optional<int> coding_quality(Bytes accept_encoding, Bytes coding);

}  // namespace polyport::http
