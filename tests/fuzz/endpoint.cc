// Endpoints and questions about ports: whatever is typed, the answer is a value that reads back as
// itself, or one sentence on one line.
#include "core/ports/endpoint.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/ports/port_question.h"

using namespace polyport;

namespace {

void check(const Error& error) {
  POLYPORT_ASSERT(!error.what.empty());
  POLYPORT_ASSERT(error.where.empty());
  POLYPORT_ASSERT(error.text().find('\n') == std::string::npos);
}

void read_endpoint(std::string_view text) {
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return check(endpoint.error());
  POLYPORT_ASSERT(endpoint->ports().size() <= kMaxPortsInRange);
  const auto again = parse_endpoint(endpoint->text());
  POLYPORT_ASSERT(again && *again == *endpoint);
}

void read_question(std::string_view text) {
  const auto question = parse_port_question(text);
  if (!question) return check(question.error());
  POLYPORT_ASSERT(question->transports != 0);
  POLYPORT_ASSERT(question->port || !question->name.empty() || question->is_path());
  if (!question->port && !question->is_path()) check(unregistered(*question));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_endpoint(text);
  read_question(text);
  return 0;
}
