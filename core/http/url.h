// Percent-encoding (RFC 3986 section 2.1) and the arguments of a query.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport::http {

enum class Plus : std::uint8_t {
  kPlus,
  kSpace
};  // what "+" stands for: itself, or a blank (forms)

// Decodes %XX; a percent sign without two digits stands for itself.
std::string percent_decode(Bytes text, Plus plus = Plus::kPlus);

// Everything but letters, digits and "-._~" as %XX: one segment of a path, or one value of a query.
std::string percent_encode(Bytes text);

// Calls `visit(name, value)` with the decoded parts of "a=1&b&c=2", in order; "b" has an empty
// value, and empty parts are left out.
template <class Visit>
void for_each_argument(Bytes query, Visit visit) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const Bytes part = query.substr(0, end);
    query = end == Bytes::npos ? Bytes{} : query.substr(end + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    visit(percent_decode(part.substr(0, equals), Plus::kSpace),
          equals == Bytes::npos ? std::string()
                                : percent_decode(part.substr(equals + 1), Plus::kSpace));
  }
}

}  // namespace polyport::http
