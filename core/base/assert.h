// POLYPORT_ASSERT: a bug, not an error. On in every build: a server whose invariants are broken
// must stop rather than answer wrongly. Never use it for anything a peer, a file or the system can
// cause.
#pragma once

namespace polyport {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace polyport

#define POLYPORT_ASSERT(expression)    \
  ((expression) ? static_cast<void>(0) \
                : ::polyport::assertion_failed(#expression, __FILE__, __LINE__))
