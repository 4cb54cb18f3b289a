#include "core/ports/on_conflict.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"

namespace polyport {

OnConflict on_conflict_of(std::string_view word) {
  constexpr std::array<std::string_view, 5> kWords = {"fail", "skip", "next", "retry", "share"};
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  POLYPORT_ASSERT(found != kWords.end());
  return static_cast<OnConflict>(found - kWords.begin());
}

}  // namespace polyport
