// Conditional requests (RFC 9110 section 13): what an answer's validators mean for a request.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>

#include "core/http/handler.h"

namespace polyport::http {

struct Validators {
  Bytes etag = {};  // with its quotes, and W/ where it is weak; empty: none
  std::optional<std::time_t> last_modified = {};
};

enum class Precondition : std::uint8_t {
  kHolds,
  kNotModified,  // 304
  kFailed,       // 412
};

// In the order of section 13.2.2: If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since.
// A date that is none is ignored.
Precondition evaluate(const Request& request, const Validators& validators);

// Whether a Range header counts: there is no If-Range, or it names exactly this answer (section
// 13.1.5: strong comparison, or the exact date).
bool range_applies(const Request& request, const Validators& validators);

// Whether a list of entity tags ("*" too) has `etag`. Weak comparison ignores W/ (section 8.8.3.2).
enum class Comparison : std::uint8_t { kStrong, kWeak };
bool has_etag(Bytes list, Bytes etag, Comparison comparison);

}  // namespace polyport::http
