// The verdict of measure: which of the two, or what lies between them, was the limit. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/commands/measure/load_sample.h"
#include "app/commands/measure/tool.h"
#include "app/commands/measure/watcher.h"

namespace polyport::measure {

// From this share of its time on somebody counts as busy all the time.
inline constexpr double kSaturated = 0.85;
// In less time no share is known well enough to judge by.
inline constexpr std::uint64_t kShortestNs = 500'000'000;

struct Figures {
  LoadSample target;  // of the time between
  Seen seen;          // meanwhile
  ToolUse tool;

  double busy_share() const;
  double queued_share() const;  // of the loop, waiting for a processor
  double lossy_share() const;   // of the looks at connections
};

enum class Limit : std::uint8_t { kTarget, kTool, kBoth, kNetwork, kNone, kTooShort };
std::string_view name(Limit limit);  // "target", …

struct Verdict {
  Limit limit = Limit::kNone;
  std::string text;  // one sentence
};

Verdict judge(const Figures& figures);

}  // namespace polyport::measure
