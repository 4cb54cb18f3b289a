// Content codings (RFC 9110 section 8.4, RFC 7932, RFC 8878): whole bodies, writing only.
//
// The levels are those that compress fast: what is compressed here is made for one answer and
// thrown away. Each library is named in one file (compress_zlib.cc, …).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

enum class Coding : std::uint8_t { kGzip, kDeflate, kBrotli, kZstd };

// As Content-Encoding names it: "gzip", "deflate", "br", "zstd".
Bytes name(Coding coding);

// Nothing where the library has no memory for it.
std::optional<std::string> compress(Coding coding, Bytes body);

// The coding that the value of an Accept-Encoding header likes best: its q values first, then zstd,
// brotli, gzip, deflate. Nothing where it wants none of them, or "identity" more.
std::optional<Coding> preferred_coding(Bytes accept_encoding);

// --- one file each -------------------------------------------------------------------------------
std::optional<std::string> gzip(Bytes body);
std::optional<std::string> deflate(Bytes body);  // in the zlib format, as the RFC wants it
std::optional<std::string> brotli(Bytes body);
std::optional<std::string> zstd(Bytes body);

}  // namespace polyport::http
