// Answers of a known length, sent at the client's pace from bytes that are made or read as they
// are needed: conditional, and in ranges where the client asks for some.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/http/conditional.h"
#include "services/http/call.h"

namespace polyport::services::http {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // The bytes from `offset` on, as many as `into` takes, never past the end. False where they
  // cannot be had any more (a file that was cut): the answer ends there and the connection with it.
  virtual bool read(std::uint64_t offset, std::span<char> into) = 0;
  // The bytes from `offset` on that lie in memory for as long as the process lives, never past the
  // end: they are sent from there. Empty where they must be read.
  virtual Bytes lent([[maybe_unused]] std::uint64_t offset) const { return {}; }
};

struct RangedAnswer {
  std::unique_ptr<ByteSource> source;
  std::string content_type;
  std::string etag;  // with its quotes; empty: none
  std::optional<std::time_t> last_modified;
  std::vector<std::pair<std::string, std::string>> headers;  // further ones
  std::chrono::nanoseconds duration{0};                      // the body is spread over it
};

// 200, 206 (multipart/byteranges for several ranges), 304, 412 or 416.
void answer_ranged(Call& call, RangedAnswer answer);

// The whole of a source with status 200, for what has no ranges.
void answer_bulk(Call& call, std::unique_ptr<ByteSource> source, Call::Headers headers);

}  // namespace polyport::services::http
