// The request target and the host a request is for (RFC 9112 section 3.2, RFC 9110 section 7.1).
//
// Pure. Judges syntax and splits; decodes nothing.
#pragma once

#include "core/base/bytes.h"
#include "core/http/refusal.h"

namespace polyport::http {

enum class TargetForm : unsigned char { kOrigin, kAbsolute, kAuthority, kAsterisk };

struct Target {
  TargetForm form = TargetForm::kOrigin;
  Bytes path;       // "*" of the asterisk form; empty, meaning "/", where an absolute form has none
  Bytes query;      // without the "?"
  Bytes authority;  // "host:port" of the absolute and the authority form
};

// Splits `text`, whose form must be one that `method` allows. Parts are views into `text`.
Refusal parse_target(Bytes method, Bytes text, Target& target);

// "host", "host:port", "[::1]:port": no user information, no path, no list, a port up to 65535.
bool is_valid_authority(Bytes authority);

// The value of a Host header; it may be empty only where the target names no origin by itself.
Refusal check_host(Bytes value, TargetForm form);

}  // namespace polyport::http
