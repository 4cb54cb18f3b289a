#include "core/http/message_parser.h"

#include <llhttp.h>

#include "core/http/characters.h"

namespace polyport::http {
namespace {

// Methods whose request line llhttp may see as it is. Every other one, known to it or not, is
// parsed behind a stand-in, because llhttp refuses methods it does not know and gives some a
// meaning of its own.
bool is_plain_method(Bytes method) {
  for (const Bytes known : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"}) {
    if (method == known) return true;
  }
  return false;
}

constexpr Bytes kStandIn[] = {"GET / HTTP/1.0\r\n", "GET / HTTP/1.1\r\n"};
constexpr Refusal kOtherReading{400,
                                "this request can be read in two ways, so it is not read at all"};

}  // namespace

struct MessageParser::Llhttp {
  llhttp_settings_t settings{};
  llhttp_t parser{};
  std::vector<Header>* fields = nullptr;

  Llhttp() {
    llhttp_settings_init(&settings);
    settings.on_header_field = on_field;
    settings.on_header_value = on_value;
    settings.on_headers_complete = [](llhttp_t*) -> int { return HPE_PAUSED; };
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = this;
  }

  static std::vector<Header>& fields_of(llhttp_t* parser) {
    return *static_cast<Llhttp*>(parser->data)->fields;
  }
  // The head is whole, so a name and a value come in one piece each; an empty value does not come
  // at all on some paths, which is why the name opens the field.
  static int on_field(llhttp_t* parser, const char* at, std::size_t size) {
    fields_of(parser).push_back({Bytes(at, size), {}});
    return 0;
  }
  static int on_value(llhttp_t* parser, const char* at, std::size_t size) {
    auto& fields = fields_of(parser);
    if (fields.empty()) return -1;
    fields.back().value = trim_blanks(Bytes(at, size));
    return 0;
  }

  llhttp_errno_t execute(Bytes bytes) {
    return llhttp_execute(&parser, bytes.data(), bytes.size());
  }
};

MessageParser::MessageParser() : llhttp_(std::make_unique<Llhttp>()) {}
MessageParser::~MessageParser() = default;

Refusal MessageParser::parse(Bytes head, const HeadCheck& check, std::vector<Header>& fields) {
  fields.clear();
  Llhttp& llhttp = *llhttp_;
  llhttp.fields = &fields;
  llhttp_reset(&llhttp.parser);

  std::size_t from = check.start();
  if (!is_plain_method(check.method.of(head))) {
    if (llhttp.execute(kStandIn[check.minor]) != HPE_OK) return kOtherReading;
    from = check.field_start();
  }
  const llhttp_errno_t error = llhttp.execute(head.substr(from, check.length() - from));
  if (error != HPE_PAUSED) {
    const char* reason = llhttp_get_error_reason(&llhttp.parser);
    return {400, error == HPE_OK || reason == nullptr ? kOtherReading.detail : Bytes(reason)};
  }
  const bool same_length = check.chunked || llhttp.parser.content_length == check.content_length;
  const bool same_framing = ((llhttp.parser.flags & F_CHUNKED) != 0) == check.chunked;
  const bool same_end = llhttp_get_error_pos(&llhttp.parser) == head.data() + check.length();
  if (fields.size() != check.fields || !same_length || !same_framing || !same_end) {
    return kOtherReading;
  }
  return {};
}

}  // namespace polyport::http
