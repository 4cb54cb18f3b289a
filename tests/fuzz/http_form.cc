// Fuzzes what takes bodies and header values apart: forms, multipart, parameters, ranges, dates,
// base64. The first byte's bits choose a boundary; the rest is the input.
#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"
#include "core/http/base64.h"
#include "core/http/conditional.h"
#include "core/http/date.h"
#include "core/http/form.h"
#include "core/http/parameters.h"
#include "core/http/range.h"

using namespace polyport;
using namespace polyport::http;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input(reinterpret_cast<const char*>(data) + 1, size - 1);

  std::vector<FormField> fields;
  if (!parse_form(input, fields)) POLYPORT_ASSERT(fields.size() <= kMostFormFields);

  std::vector<FormPart> parts;
  const Bytes boundaries[] = {"b", "--", "-", "bb"};
  if (!parse_multipart(input, boundaries[data[0] & 3], parts)) {
    POLYPORT_ASSERT(parts.size() <= kMostFormFields);
    std::size_t bytes = 0;
    for (const FormPart& part : parts) {
      POLYPORT_ASSERT(!part.name.empty());
      POLYPORT_ASSERT(part.body.empty() ||
                      (part.body.data() >= input.data() &&
                       part.body.data() + part.body.size() <= input.data() + input.size()));
      bytes += part.body.size();
    }
    POLYPORT_ASSERT(bytes <= input.size());  // no byte is in two parts
  }

  Bytes rest = input;
  while (next_parameter(rest, ',')) {
  }
  parameter_of(input, "name");

  for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{100}}) {
    const Ranges ranges = parse_ranges(input, length);
    std::uint64_t together = 0;
    for (const ByteRange& range : ranges.ranges) {
      POLYPORT_ASSERT(range.first <= range.last && range.last < length);
      together += range.size();
    }
    POLYPORT_ASSERT(together <= length);
  }

  if (const auto date = parse_date(input)) {
    char text[kDateSize];
    write_date(*date, text);
    POLYPORT_ASSERT(parse_date(Bytes(text, kDateSize)) == *date);
  }
  has_etag(input, "\"a\"", Comparison::kWeak);
  if (const auto bytes = decode_base64(input)) {
    POLYPORT_ASSERT(decode_base64(base64(*bytes)) == *bytes);
    POLYPORT_ASSERT(decode_base64(base64_url(*bytes)) == *bytes);
  }
  return 0;
}
