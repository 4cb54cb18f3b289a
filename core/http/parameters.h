// Parameters of header values: "form-data; name=\"a\"", "Digest username=\"u\", qop=auth" (RFC 9110
// sections 5.6.6 and 11.2).
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/http/characters.h"

namespace polyport::http {

// What stands before the first ";", trimmed: the media type of a Content-Type.
Bytes without_parameters(Bytes value);

// One step through "name=value, name=\"value\"": takes the next parameter off `rest`, with the
// separator after it. Empty elements are skipped. Nothing at the end, and where the text is
// malformed; then `rest` is not empty.
struct Parameter {
  Bytes name;
  std::string value;  // unquoted
};
std::optional<Parameter> next_parameter(Bytes& rest, char separator);

// The parameter of that name (case is ignored) behind the first ";" of `value`; the first where
// there are several, nothing where none is or the text before it is malformed.
std::optional<std::string> parameter_of(Bytes value, Bytes name);

}  // namespace polyport::http
