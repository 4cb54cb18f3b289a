// Hashes, through libcrypto: the one place that names OpenSSL's hashes. SHA-1 is here for protocols
// that ask for it (WebSocket), not to protect anything.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport {

enum class Hash : std::uint8_t { kSha1 };

// The hash of `bytes`; empty where this machine's libcrypto refuses the algorithm.
std::string digest(Hash hash, Bytes bytes);

}  // namespace polyport
