#include "core/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace polyport {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  // stdio, not the log: the log may be what is broken.
  std::fprintf(stderr, "polyport: bug: %s does not hold at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace polyport
