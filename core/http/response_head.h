// ResponseHead: the head of an HTTP/1 answer, written into the caller's buffer without allocating.
#pragma once

#include <cstdint>
#include <span>

#include "core/http/handler.h"

namespace polyport::http {

struct ResponseHead {
  enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };
  enum class Persistence : std::uint8_t { kImplied, kClose, kKeepAlive };  // the Connection header

  int status = 200;
  std::span<const Header> headers;
  CommonHeaders common;  // left out where `headers` has one of that name
  Framing framing = Framing::kNone;
  std::uint64_t length = 0;  // of kLength
  Persistence persistence = Persistence::kImplied;
  Bytes date;
  Bytes server;  // empty: no Server header
};

// How many bytes `head` needs at most.
std::size_t size_bound(const ResponseHead& head);
// Writes it, the empty line included; returns the end. Where there is a header Upgrade, Connection
// names it. Headers that belong to the engine and those
// whose name is no token are skipped; a control byte in a value becomes a space, so that no value
// can end its line.
char* write_head(const ResponseHead& head, char* out);
// The fields of a trailer section, without the empty line; the same rules.
std::size_t size_bound(std::span<const Header> fields);
char* write_fields(std::span<const Header> fields, char* out);

}  // namespace polyport::http
