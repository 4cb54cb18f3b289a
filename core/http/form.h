// Bodies that forms send: application/x-www-form-urlencoded (WHATWG URL section 5) and
// multipart/form-data (RFC 7578). Pure and bounded; the whole body is at hand.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/http/refusal.h"

namespace polyport::http {

// More is no form that a person filled in: 400.
inline constexpr std::size_t kMostFormFields = 1000;
inline constexpr std::size_t kMostPartHeaderBytes = 8 * 1024;

struct FormField {
  std::string name;
  std::string value;
};

// The fields in order. A percent sign without two digits is an error here, unlike in a query.
Refusal parse_form(Bytes body, std::vector<FormField>& fields);

struct FormPart {
  std::string name;
  std::optional<std::string> filename;  // there: it is a file
  std::string content_type;             // as sent; empty where it was not
  Bytes body;                           // a part of the whole
};

// `boundary` is the parameter of the Content-Type. Text before the first and after the last
// boundary is dropped, and a part without a name too.
Refusal parse_multipart(Bytes body, Bytes boundary, std::vector<FormPart>& parts);

}  // namespace polyport::http
