// Hashes and random bytes, through libcrypto and the kernel: the one place that names OpenSSL's
// hashes. MD5 and SHA-1 are here for protocols that ask for them (HTTP digest authentication,
// WebSocket), not to protect anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport {

enum class Hash : std::uint8_t { kMd5, kSha1, kSha256, kSha512, kSha512_256 };

// The hash of `bytes`, 16 to 64 bytes; empty where this machine's libcrypto refuses the algorithm
// (a FIPS provider has no MD5).
std::string digest(Hash hash, Bytes bytes);
// "0f1a": two lower-case digits a byte.
std::string hex(Bytes bytes);
std::string hex_digest(Hash hash, Bytes bytes);

// Equality in a time that depends on the lengths only: for what a client must not guess byte by
// byte.
bool equals_in_constant_time(Bytes left, Bytes right);

// From the kernel's generator. `count` is at most 256.
std::string random_bytes(std::size_t count);

// 32 random bytes that all processes of the program have alike, and no client knows: what one
// worker has signed with them, another one believes. Made when they are first asked for, unless
// they were set before.
const std::string& program_secret();
void set_program_secret(std::string secret);

}  // namespace polyport
