// Seldom: lets one log line through in a while, and counts those it held back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace polyport::services::forward {

class Seldom {
 public:
  static constexpr std::uint64_t kEveryMs = 5'000;

  // What to add to the line: "" or " (and 12 more since the last line)". Nothing where it is not
  // to be written.
  std::optional<std::string> may_tell(std::uint64_t now_ms) {
    if (told_ms_ != 0 && now_ms - told_ms_ < kEveryMs) {
      ++held_back_;
      return std::nullopt;
    }
    told_ms_ = now_ms == 0 ? 1 : now_ms;
    const std::uint64_t more = std::exchange(held_back_, 0);
    if (more == 0) return std::string();
    return " (and " + std::to_string(more) + " more since the last line)";
  }

 private:
  std::uint64_t told_ms_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace polyport::services::forward
