// Byte ranges (RFC 9110 section 14): what a Range header asks of a body of known length.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace polyport::http {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // inclusive
  std::uint64_t size() const { return last - first + 1; }
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

struct Ranges {
  enum class Verdict : std::uint8_t {
    kWhole,          // no range, another unit, malformed, or asking for more than there is: 200
    kPart,           // `ranges` is not empty: 206
    kUnsatisfiable,  // 416
  };
  Verdict verdict = Verdict::kWhole;
  std::vector<ByteRange> ranges;  // in the order asked for, cut at the end
};

// More ranges than that, or ranges that together are more than the whole, are answered with the
// whole: they are an attack (section 14.2).
inline constexpr std::size_t kMostRanges = 64;

Ranges parse_ranges(Bytes header, std::uint64_t size);

// The Content-Range of one part, "bytes 0-9/100", and of a refusal, "bytes */100".
std::string content_range(const ByteRange& range, std::uint64_t size);
std::string unsatisfied_range(std::uint64_t size);

// The framing of multipart/byteranges (section 14.6): what stands before each part, and after the
// last.
std::string part_head(Bytes boundary, Bytes content_type, const ByteRange& range,
                      std::uint64_t size);
std::string part_end(Bytes boundary);

}  // namespace polyport::http
