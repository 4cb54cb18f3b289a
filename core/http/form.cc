#include "core/http/form.h"

#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/parameters.h"
#include "core/http/url.h"

namespace polyport::http {
namespace {

constexpr Refusal kBadPercent{400,
                              "a % in the form must be followed by two hexadecimal digits; a "
                              "percent sign itself is written %25"};
constexpr Refusal kTooMany{400, "the form has more than 1000 fields"};
constexpr Refusal kBadBoundary{400,
                               "multipart/form-data needs a boundary of 1 to 70 characters in its "
                               "Content-Type"};
constexpr Refusal kNoBoundary{400,
                              "the boundary of the Content-Type does not stand in the body, on a "
                              "line of its own behind two hyphens"};
constexpr Refusal kNoEnd{400,
                         "the multipart body ends before its last boundary, --boundary-- on a line "
                         "of its own"};
constexpr Refusal kBadPart{400,
                           "the headers of a part must be lines of Name: value that end in CR LF, "
                           "with an empty line behind them"};
constexpr Refusal kLongPart{400, "the headers of a part are larger than 8 KiB"};

bool percent_signs_are_whole(Bytes text) {
  for (std::size_t at = text.find('%'); at != Bytes::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is(kHexDigit, text[at + 1]) || !is(kHexDigit, text[at + 2])) {
      return false;
    }
  }
  return true;
}

// Where a boundary line begins at or after `from`: its "--". A boundary stands at the start of the
// body or behind CR LF (RFC 2046 section 5.1.1); `content_end` is where the content before it ends.
struct BoundaryLine {
  std::size_t content_end = Bytes::npos;
  std::size_t after = Bytes::npos;  // behind its line end, or behind the last "--"
  bool last = false;
  bool found() const { return content_end != Bytes::npos; }
};

BoundaryLine find_boundary(Bytes body, std::size_t from, Bytes delimiter) {
  for (std::size_t at = body.find(delimiter, from); at != Bytes::npos;
       at = body.find(delimiter, at + 1)) {
    const bool behind_line = at >= 2 && at - 2 >= from && body.substr(at - 2, 2) == "\r\n";
    if (at != from && !behind_line) continue;
    BoundaryLine line{at == from ? at : at - 2};
    std::size_t end = at + delimiter.size();
    if (body.substr(end, 2) == "--") {
      line.last = true;
      line.after = end + 2;
      return line;
    }
    while (end < body.size() && (body[end] == ' ' || body[end] == '\t'))
      ++end;
    if (body.substr(end, 2) != "\r\n") continue;  // a longer boundary that begins like this one
    line.after = end + 2;
    return line;
  }
  return {};
}

void take_part_header(Bytes line, FormPart& part) {
  const std::size_t colon = line.find(':');
  const Bytes name = line.substr(0, colon);
  const Bytes value = trim_blanks(line.substr(colon + 1));
  if (equals_ignoring_case(name, "Content-Type")) {
    part.content_type = value;
  } else if (equals_ignoring_case(name, "Content-Disposition") &&
             equals_ignoring_case(without_parameters(value), "form-data")) {
    part.name = parameter_of(value, "name").value_or("");
    part.filename = parameter_of(value, "filename");
  }
}

// Reads the headers at the start of `part.body` and leaves what follows them.
Refusal take_part_headers(FormPart& part) {
  std::size_t bytes = 0;
  for (;;) {
    const std::size_t end = part.body.find("\r\n");
    if (end == Bytes::npos) return kBadPart;
    const Bytes line = part.body.substr(0, end);
    part.body.remove_prefix(end + 2);
    if (line.empty()) return {};
    bytes += line.size() + 2;
    if (bytes > kMostPartHeaderBytes) return kLongPart;
    const std::size_t colon = line.find(':');
    if (colon == Bytes::npos || !is_token(line.substr(0, colon)) ||
        !all(kValueCharacter, line.substr(colon + 1))) {
      return kBadPart;
    }
    take_part_header(line, part);
  }
}

}  // namespace

Refusal parse_form(Bytes body, std::vector<FormField>& fields) {
  fields.clear();
  if (!percent_signs_are_whole(body)) return kBadPercent;
  Refusal refusal;
  for_each_argument(body, [&](std::string name, std::string value) {
    if (fields.size() == kMostFormFields) {
      refusal = kTooMany;
    } else {
      fields.push_back({std::move(name), std::move(value)});
    }
  });
  return refusal;
}

Refusal parse_multipart(Bytes body, Bytes boundary, std::vector<FormPart>& parts) {
  parts.clear();
  if (boundary.empty() || boundary.size() > 70) return kBadBoundary;
  const std::string delimiter = "--" + std::string(boundary);
  BoundaryLine line = find_boundary(body, 0, delimiter);
  if (!line.found()) return kNoBoundary;
  while (!line.last) {
    const std::size_t begin = line.after;
    line = find_boundary(body, begin, delimiter);
    if (!line.found()) return kNoEnd;
    FormPart part;
    part.body = body.substr(begin, line.content_end - begin);
    if (part.body.empty()) return kBadPart;
    // The line end before a boundary belongs to it; a part without content has it in common with
    // the end of its headers.
    if (part.body.find("\r\n\r\n") == Bytes::npos && !part.body.starts_with("\r\n")) {
      part.body = body.substr(begin, line.content_end + 2 - begin);
    }
    if (const Refusal bad = take_part_headers(part)) return bad;
    if (part.name.empty()) continue;
    if (parts.size() == kMostFormFields) return kTooMany;
    parts.push_back(std::move(part));
  }
  return {};
}

}  // namespace polyport::http
