// Reading JSON (RFC 8259): the one place of the library that does it. Never on a hot path.
#pragma once

#include "core/base/bytes.h"

namespace polyport {

// Is it one JSON text, as a whole, in UTF-8? Needs no stack for deep nesting and throws nothing.
bool is_json(Bytes text);

}  // namespace polyport
