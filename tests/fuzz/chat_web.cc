// Fuzzes the chat's web door: requests as JSON, and who may connect. The first line of the input is
// taken for an Origin, the second for a Host.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "services/chat/web_origin.h"
#include "services/chat/web_request.h"

using namespace polyport;
using namespace polyport::services::chat;

namespace {

void check_clean(const std::string& text) {
  POLYPORT_ASSERT(is_utf8(text) && without_controls(text) == text);
}

Bytes take_line(Bytes& input) {
  const Bytes line = input.substr(0, input.find('\n'));
  input.remove_prefix(line.size() < input.size() ? line.size() + 1 : line.size());
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes whole(reinterpret_cast<const char*>(data), size);
  if (const auto request = read_web_request(whole)) {
    for (const std::string* text :
         {&request->reference, &request->room, &request->nick, &request->text, &request->token})
      check_clean(*text);
    POLYPORT_ASSERT(request->reference.size() <= WebRequest::kMostReferenceBytes);
    POLYPORT_ASSERT(request->rooms.size() <= WebRequest::kMostWanted);
    POLYPORT_ASSERT(request->question.most >= 1 && request->question.most <= 500);
  } else {
    check_clean(request.error().what);
  }
  Bytes rest = whole;
  const Bytes origin = take_line(rest), host = take_line(rest);
  const std::string listed[] = {"https://school.example"};
  for (const bool own : {false, true})
    check_clean(refuse_origin(origin, host, own, listed));
  return 0;
}
