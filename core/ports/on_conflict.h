// What a service does about a port that it cannot have: the option `on_conflict`.
#pragma once

#include <cstdint>
#include <string_view>

namespace polyport {

enum class OnConflict : std::uint8_t {
  kFail,   // nothing starts
  kSkip,   // the service is left out
  kNext,   // the next free port is taken
  kRetry,  // it is tried again until it can be had
  kShare,  // SO_REUSEPORT, with a holder that allows it
};

// Of "fail", "skip", …; any other word is a bug.
OnConflict on_conflict_of(std::string_view word);

}  // namespace polyport
