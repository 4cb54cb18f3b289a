// The bytes that the sockets of a swarm send: for each socket a sequence of its own, in which every
// byte follows from the socket's key and the offset.
//
// So a byte that comes back is known to be right without having been kept, and a server that gives
// one socket's bytes to another, loses some or repeats some is found out. They are letters, digits,
// "-" and "_": every text protocol carries them as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport::swarm {

// Appends `count` bytes of the sequence `key` from `offset` on.
void append_pattern(std::string& out, std::uint64_t key, std::uint64_t offset, std::size_t count);

// Where `bytes` first differ from the sequence at `offset`; bytes.size() where they do not.
std::size_t first_difference(Bytes bytes, std::uint64_t key, std::uint64_t offset);

// A number that looks random and follows from both: for keys, and for dice that must fall the same
// way again.
std::uint64_t mix(std::uint64_t key, std::uint64_t number);

}  // namespace polyport::swarm
