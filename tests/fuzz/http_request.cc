// Fuzzes the path of a request: head check, llhttp behind it, router, body decoder. Beside crashes
// it looks for what an attacker between two parsers wants: a verdict that depends on how the bytes
// arrive, a head that llhttp reads in another way than we do, and a path that leads to another
// route when its letters are written as %XX.
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/http/accept.h"
#include "core/http/body_decoder.h"
#include "core/http/head_check.h"
#include "core/http/message_parser.h"
#include "core/http/router.h"
#include "core/http/url.h"

using namespace polyport;
using namespace polyport::http;

namespace {

HeadCheck::State scan_in_steps(HeadCheck& check, Bytes input, const HeadLimits& limits,
                               std::size_t step) {
  HeadCheck::State state = HeadCheck::State::kPartial;
  for (std::size_t end = step; state == HeadCheck::State::kPartial; end += step) {
    const std::string moved(input.substr(0, end));
    state = check.scan(moved, limits);
    if (end >= input.size()) break;
  }
  return state;
}

struct Body {
  std::string bytes;
  std::size_t used = 0;
  int status = 0;
  bool complete = false;
  bool operator==(const Body&) const = default;
};

Body decode(const HeadCheck& head, Bytes input, std::size_t step_size) {
  BodyDecoder decoder;
  if (head.chunked) {
    decoder.start_chunked();
  } else {
    decoder.start_length(head.content_length);
  }
  Body body;
  while (body.used < input.size() && !decoder.complete()) {
    const BodyDecoder::Step step = decoder.next(input.substr(body.used, step_size));
    body.used += step.used;
    body.bytes.append(step.piece);
    if (step.state == BodyDecoder::State::kRefused) {
      body.status = step.refusal.status;
      return body;
    }
    POLYPORT_ASSERT(step.used > 0);
  }
  body.complete = decoder.complete();
  return body;
}

void look_at(const HeadCheck& check, Bytes head, const std::vector<Header>& fields) {
  POLYPORT_ASSERT(fields.size() == check.fields);
  for (const Header& field : fields) {
    POLYPORT_ASSERT(!field.name.empty());
    POLYPORT_ASSERT(field.value.find_first_of(Bytes("\r\n\0", 3)) == Bytes::npos);
    quality(field.value, "text/html");
  }
  POLYPORT_ASSERT(check.target.of(head).find(check.path.of(head)) != Bytes::npos);
  for_each_argument(check.query.of(head), [](const std::string&, const std::string&) {});
}

const Router& routes() {
  static const Router* const router = [] {
    auto* const made = new Router;
    const Router::Action nothing = [](Exchange&, const Parameters&) {};
    made->set_prefix("/p");
    for (const char* pattern : {"/", "/a", "/a/{n:int}", "/{text}/b", "/a/{n:int}/{rest:path}"})
      made->add("GET,PUT", pattern, nothing);
    return made;
  }();
  return *router;
}

// RFC 3986 section 6.2.2.2: letters and digits are the same, written as they are or as %XX.
std::string with_escaped_letters(Bytes path) {
  constexpr Bytes kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char letter : path) {
    const auto byte = static_cast<unsigned char>(letter);
    if (std::isalnum(byte) != 0) {
      out.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
    } else {
      out += letter;
    }
  }
  return out;
}

void route(Bytes method, Bytes path) {
  Request request{};
  request.method = method;
  request.path = path;
  const std::string allow = routes().allowed_methods(request);
  POLYPORT_ASSERT(allow.empty() || allow == "GET, HEAD, PUT, OPTIONS");
  if (path.find('%') != Bytes::npos) return;
  const std::string escaped = with_escaped_letters(path);
  request.path = escaped;
  POLYPORT_ASSERT(routes().allowed_methods(request) == allow);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static MessageParser parser;
  static std::vector<Header> fields;
  const HeadLimits limits{.max_request_line = 512, .max_header_bytes = 1024, .max_headers = 20};
  Bytes input(reinterpret_cast<const char*>(data), size);
  for (int message = 0; message < 4 && !input.empty(); ++message) {
    HeadCheck whole;
    const HeadCheck::State state = whole.scan(input, limits);
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, 1 + size % 61}) {
      HeadCheck parts;
      POLYPORT_ASSERT(scan_in_steps(parts, input, limits, step) == state);
      POLYPORT_ASSERT(parts.refusal().status == whole.refusal().status);
      POLYPORT_ASSERT(state != HeadCheck::State::kComplete || parts.length() == whole.length());
    }
    if (state != HeadCheck::State::kComplete) return 0;
    const Bytes head = input.substr(0, whole.length());
    const Refusal second = parser.parse(head, whole, fields);
    POLYPORT_ASSERT(!second);  // llhttp is never stricter than we are
    look_at(whole, head, fields);
    route(whole.method.of(head), whole.path.of(head));

    input.remove_prefix(head.size());
    const Body body = decode(whole, input, size);
    POLYPORT_ASSERT(decode(whole, input, 1) == body);
    POLYPORT_ASSERT(decode(whole, input, 1 + size % 61) == body);
    if (!body.complete) return 0;
    input.remove_prefix(body.used);
  }
  return 0;
}
