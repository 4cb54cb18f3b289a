#include "core/base/histogram_json.h"

#include <string>

namespace polyport {

void write_histogram(JsonWriter& json, const Histogram& histogram) {
  std::string text;
  JsonWriter pairs(text);
  pairs.begin_array();
  histogram.for_each([&pairs](std::uint64_t highest, std::uint64_t count) {
    pairs.begin_array();
    pairs.value(highest);
    pairs.value(count);
    pairs.end_array();
  });
  pairs.end_array();
  json.raw(text);
}

Histogram read_histogram(const JsonValue* pairs) {
  Histogram histogram;
  if (pairs == nullptr) return histogram;
  for (const JsonValue& pair : pairs->items()) {
    if (pair.items().size() != 2) continue;
    const auto highest = pair.items()[0].integer();
    const auto count = pair.items()[1].integer();
    if (!highest || !count || *highest < 0 || *count <= 0) continue;
    histogram.record(static_cast<std::uint64_t>(*highest), static_cast<std::uint64_t>(*count));
  }
  return histogram;
}

}  // namespace polyport
