#include "core/http/head_check.h"

#include "core/base/text.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

constexpr Refusal kTlsOnPlainPort{
    400, "these bytes are TLS, and this port speaks plain HTTP: use http:// instead of https://"};
constexpr Refusal kNotHttp{400,
                           "this port speaks HTTP, and these bytes are not a request: try curl"};
constexpr Refusal kBareLf{400,
                          "your lines end in LF; HTTP wants CR LF: use polyport connect --crlf, or "
                          "nc -C"};
constexpr Refusal kBadRequestLine{
    400, "the request line must be METHOD target HTTP/1.1, with one space between the parts"};
constexpr Refusal kBadVersion{505, "this server speaks HTTP/1.1 and HTTP/1.0"};
constexpr Refusal kFoldedLine{
    400, "a header line begins with a space; folding a header over lines is not allowed"};
constexpr Refusal kNoColon{400, "a header line has no colon; it must be Name: value"};
constexpr Refusal kSpaceBeforeColon{400, "there is a space before the colon of a header"};
constexpr Refusal kBadFieldName{400, "a header name holds bytes that are not allowed in one"};
constexpr Refusal kBadFieldValue{400, "a header value holds a control byte"};
constexpr Refusal kSecondHost{400, "there is more than one Host header"};
constexpr Refusal kNoHost{
    400, "the Host header is missing; HTTP/1.1 wants one, such as Host: localhost"};
constexpr Refusal kBadContentLength{400, "Content-Length must be one decimal number, given once"};
constexpr Refusal kHugeContentLength{413, "Content-Length is larger than any server can take"};
constexpr Refusal kBadTransferEncoding{
    400, "the only Transfer-Encoding of a request is chunked, given once"};
constexpr Refusal kUnknownCoding{501, "the only Transfer-Encoding understood here is chunked"};
constexpr Refusal kOldTransferEncoding{400, "Transfer-Encoding does not exist in HTTP/1.0"};
constexpr Refusal kTwoLengths{400, "Content-Length and Transfer-Encoding exclude each other"};
constexpr Refusal kUnknownExpectation{417, "the only expectation met here is 100-continue"};
constexpr Refusal kLongRequestLine{414, "the request line is longer than max_request_line"};
constexpr Refusal kManyHeaderBytes{431, "the headers are larger than max_header_bytes"};
constexpr Refusal kManyHeaders{431, "there are more headers than max_headers"};

HeadCheck::Slice slice(Bytes whole, Bytes part, std::size_t origin) {
  if (part.empty()) return {};
  return {static_cast<std::uint32_t>(origin + static_cast<std::size_t>(part.data() - whole.data())),
          static_cast<std::uint32_t>(part.size())};
}

bool is_version(Bytes text) {
  return text.size() == 8 && text.substr(0, 5) == "HTTP/" && is(kDigit, text[5]) &&
         text[6] == '.' && is(kDigit, text[7]);
}

// Codings that exist (RFC 9112 section 7.2) and are not spoken here.
bool is_registered_coding(Bytes name) {
  for (const Bytes known : {"gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
    if (equals_ignoring_case(name, known)) return true;
  }
  return false;
}

}  // namespace

HeadCheck::State HeadCheck::scan(Bytes head, const HeadLimits& limits) {
  if (stage_ == Stage::kDone) return refusal_ ? State::kRefused : State::kComplete;
  for (;;) {
    if (stage_ == Stage::kRequestLine && head.size() > line_at_) {
      const char first = head[line_at_];
      if (first == 0x16) return refuse(kTlsOnPlainPort);
      if (!is(kTokenCharacter, first) && first != '\r' && first != '\n') return refuse(kNotHttp);
    }
    const std::size_t lf = head.find('\n', scanned_);
    const std::size_t end = lf == Bytes::npos ? head.size() : lf;
    if (const Refusal over = over_limit(end - line_at_, end, limits)) return refuse(over);
    if (lf == Bytes::npos) {
      scanned_ = end;
      return State::kPartial;
    }
    if (lf == line_at_ || head[lf - 1] != '\r') return refuse(kBareLf);
    const Bytes line = head.substr(line_at_, lf - 1 - line_at_);
    if (const Refusal bad = check_line(head, line, lf + 1, limits)) return refuse(bad);
    line_at_ = scanned_ = lf + 1;
    if (stage_ == Stage::kDone) return State::kComplete;
  }
}

// `line_bytes` have come of the line, its LF not counted, and end at `end`. The limits leave room
// for the CR, and in the fields for the empty line that ends them.
Refusal HeadCheck::over_limit(std::size_t line_bytes, std::size_t end,
                              const HeadLimits& limits) const {
  if (stage_ == Stage::kRequestLine) {
    return line_bytes > limits.max_request_line + 1 ? kLongRequestLine : Refusal{};
  }
  return end - fields_at_ > limits.max_header_bytes + 2 ? kManyHeaderBytes : Refusal{};
}

HeadCheck::State HeadCheck::refuse(Refusal refusal) {
  refusal_ = refusal;
  stage_ = Stage::kDone;
  return State::kRefused;
}

Refusal HeadCheck::check_line(Bytes head, Bytes line, std::size_t line_end,
                              const HeadLimits& limits) {
  if (stage_ == Stage::kRequestLine) {
    if (line.empty()) {
      start_ = line_end;
      return {};
    }
    start_ = static_cast<std::size_t>(line.data() - head.data());
    fields_at_ = line_end;
    stage_ = Stage::kFields;
    return check_request_line(line);
  }
  if (line.empty()) {
    stage_ = Stage::kDone;
    return check_whole();
  }
  if (line_end - fields_at_ > limits.max_header_bytes) return kManyHeaderBytes;
  if (fields >= limits.max_headers) return kManyHeaders;
  ++fields;
  return check_field(line);
}

Refusal HeadCheck::check_request_line(Bytes line) {
  const std::size_t first = line.find(' ');
  if (first == Bytes::npos || !is_token(line.substr(0, first))) return kBadRequestLine;
  const std::size_t second = line.find(' ', first + 1);
  if (second == Bytes::npos) return kBadRequestLine;
  const Bytes version = line.substr(second + 1);
  if (!is_version(version)) return kBadRequestLine;
  if (version[5] != '1' || version[7] > '1') return kBadVersion;
  minor = static_cast<std::uint8_t>(version[7] - '0');

  const Bytes text = line.substr(first + 1, second - first - 1);
  Target parts;
  if (const Refusal bad = parse_target(line.substr(0, first), text, parts)) return bad;
  form = parts.form;
  method = slice(line, line.substr(0, first), start_);
  target = slice(line, text, start_);
  query = slice(line, parts.query, start_);
  authority = slice(line, parts.authority, start_);
  path = slice(line, parts.path, start_);
  return {};
}

Refusal HeadCheck::check_field(Bytes line) {
  if (line.front() == ' ' || line.front() == '\t') return kFoldedLine;
  const std::size_t colon = line.find(':');
  if (colon == Bytes::npos) return kNoColon;
  const Bytes name = line.substr(0, colon);
  if (!is_token(name)) {
    const bool blank = !name.empty() && (name.back() == ' ' || name.back() == '\t');
    return blank ? kSpaceBeforeColon : kBadFieldName;
  }
  const Bytes value = trim_blanks(line.substr(colon + 1));
  if (!all(kValueCharacter, value)) return kBadFieldValue;
  return check_known_field(name, value);
}

// `name` is where the line begins.
Refusal HeadCheck::check_known_field(Bytes name, Bytes value) {
  switch (name.size()) {
    case 4:
      if (!equals_ignoring_case(name, "host")) return {};
      if (has_host_) return kSecondHost;
      has_host_ = true;
      if (!value.empty()) {
        const auto at = line_at_ + static_cast<std::size_t>(value.data() - name.data());
        host = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(value.size())};
      }
      return check_host(value, form);
    case 6:
      if (!equals_ignoring_case(name, "expect") || expect == Expect::kUnknown) return {};
      expect = equals_ignoring_case(value, "100-continue") ? Expect::kContinue : Expect::kUnknown;
      return {};
    case 10:
      if (equals_ignoring_case(name, "connection")) note_connection(value);
      return {};
    case 14:
      return equals_ignoring_case(name, "content-length") ? check_content_length(value) : Refusal{};
    case 17:
      return equals_ignoring_case(name, "transfer-encoding") ? check_transfer_encoding(value)
                                                             : Refusal{};
    default:
      return {};
  }
}

// RFC 9110 section 8.6. A list or a second field, even of equal numbers, is refused: whoever stands
// before us may have read it another way.
Refusal HeadCheck::check_content_length(Bytes value) {
  if (has_content_length || value.empty() || !all(kDigit, value)) return kBadContentLength;
  has_content_length = true;
  if (chunked) return kTwoLengths;
  const auto number = parse_number<std::uint64_t>(value, 0, UINT64_MAX / 2);
  if (!number) return kHugeContentLength;
  content_length = *number;
  return {};
}

// RFC 9112 section 6.1.
Refusal HeadCheck::check_transfer_encoding(Bytes value) {
  if (chunked) return kBadTransferEncoding;
  Refusal verdict = kBadTransferEncoding;  // where chunked is not the last one
  bool known = true;
  int chunked_count = 0;
  for_each_element(value, [&](Bytes coding) {
    const bool is_chunked = equals_ignoring_case(coding, "chunked");
    chunked_count += is_chunked ? 1 : 0;
    known = known && (is_chunked || is_registered_coding(coding));
    verdict = is_chunked ? Refusal{} : kBadTransferEncoding;
  });
  if (verdict || chunked_count != 1 || !known) return kBadTransferEncoding;
  if (minor == 0) return kOldTransferEncoding;
  if (value.size() != Bytes("chunked").size()) return kUnknownCoding;
  chunked = true;
  return has_content_length ? kTwoLengths : Refusal{};
}

void HeadCheck::note_connection(Bytes value) {
  for_each_element(value, [this](Bytes option) {
    if (equals_ignoring_case(option, "close")) close_ = true;
    if (equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
  });
}

Refusal HeadCheck::check_whole() const {
  if (minor == 1 && !has_host_) return kNoHost;
  if (minor == 1 && expect == Expect::kUnknown) return kUnknownExpectation;
  return {};
}

}  // namespace polyport::http
