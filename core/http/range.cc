#include "core/http/range.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "core/base/text.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

// A position; one that is too large for a number is as far as any.
std::optional<std::uint64_t> position(Bytes digits) {
  if (digits.empty() || !all(kDigit, digits)) return std::nullopt;
  return parse_number<std::uint64_t>(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

enum class Kind : std::uint8_t { kMalformed, kBeyond, kFits };

Kind read_range(Bytes text, std::uint64_t size, ByteRange& range) {
  const std::size_t dash = text.find('-');
  if (dash == Bytes::npos) return Kind::kMalformed;
  const Bytes before = text.substr(0, dash);
  const auto last = position(text.substr(dash + 1));
  if (before.empty()) {  // the last so many bytes
    if (!last) return Kind::kMalformed;
    if (*last == 0 || size == 0) return Kind::kBeyond;
    range = {size - std::min(size, *last), size - 1};
    return Kind::kFits;
  }
  const auto first = position(before);
  if (!first || (!last && dash + 1 < text.size()) || (last && *last < *first)) {
    return Kind::kMalformed;
  }
  if (*first >= size) return Kind::kBeyond;
  range = {*first, last ? std::min(*last, size - 1) : size - 1};
  return Kind::kFits;
}

}  // namespace

Ranges parse_ranges(Bytes header, std::uint64_t size) {
  constexpr Bytes kUnit = "bytes=";
  Ranges result;
  if (header.size() < kUnit.size() || !equals_ignoring_case(header.substr(0, kUnit.size()), kUnit))
    return result;
  std::size_t count = 0;
  std::uint64_t together = 0;
  bool malformed = false;
  for_each_element(header.substr(kUnit.size()), [&](Bytes element) {
    if (element.empty() || malformed) return;
    ByteRange range;
    const Kind kind = read_range(element, size, range);
    malformed = kind == Kind::kMalformed || ++count > kMostRanges;
    if (kind != Kind::kFits || malformed) return;
    together += range.size();
    malformed = together > size;
    result.ranges.push_back(range);
  });
  if (malformed || count == 0) return {};
  result.verdict = result.ranges.empty() ? Ranges::Verdict::kUnsatisfiable : Ranges::Verdict::kPart;
  return result;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
         std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) {
  return "bytes */" + std::to_string(size);
}

std::string part_head(Bytes boundary, Bytes content_type, const ByteRange& range,
                      std::uint64_t size) {
  std::string head = "\r\n--";
  head.append(boundary).append("\r\nContent-Type: ").append(content_type);
  head.append("\r\nContent-Range: ").append(content_range(range, size)).append("\r\n\r\n");
  return head;
}

std::string part_end(Bytes boundary) {
  return "\r\n--" + std::string(boundary) + "--\r\n";
}

}  // namespace polyport::http
