// Fuzz target: durations, sizes and the text helpers, on any bytes.
//
// A quantity that is read is written and read back as the same value; the printable forms hold no
// control character; a JSON string is UTF-8.
#include "core/base/units.h"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"

using namespace polyport;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto duration = parse_duration(input)) {
    POLYPORT_ASSERT(parse_duration(format_duration(*duration)).value() == *duration);
    POLYPORT_ASSERT(is_utf8(human_duration(*duration)));
  }
  if (const auto bytes = parse_size(input)) {
    POLYPORT_ASSERT(parse_size(format_size(*bytes)).value() == *bytes);
    POLYPORT_ASSERT(is_utf8(human_size(*bytes)));
  }
  const std::string shown = quoted(input);
  POLYPORT_ASSERT(without_controls(shown) == shown && shown.find('\t') == std::string::npos);
  POLYPORT_ASSERT(is_utf8(without_controls(input)));
  std::string json;
  append_json_string(json, input);
  POLYPORT_ASSERT(is_utf8(json));
  return 0;
}
