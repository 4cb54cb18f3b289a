// The path of a unix socket as people write it, checked by its letters alone.
//
// Looks at no file: see same_socket_path (core/ports/machine_facts.h) for that.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

// What follows "unix:", in the form that Endpoint keeps: absolute, relative, or "@name". The error
// says what is wrong with it.
Result<std::string> check_unix_path(std::string_view text);

}  // namespace polyport
