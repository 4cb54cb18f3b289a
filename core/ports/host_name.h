// Host names and literals as people write them, checked by their letters alone.
//
// Asks no name server and no interface: see core/ports/resolve.h for that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

// The host of "host:port", in the form that Endpoint keeps: "*", an IPv4 literal, or a name in
// lower case. The error says what is wrong with it.
Result<std::string> check_host(std::string_view host);

// What stood between the brackets of "[…]:port": an IPv6 literal, shortened to its usual form, with
// its "%interface" if it has one.
Result<std::string> check_bracketed_host(std::string_view literal);

// "localhost" and every name below it (RFC 6761 section 6.3).
bool is_localhost(std::string_view host);

}  // namespace polyport
