#include "app/commands/measure/verdict.h"

#include <array>

#include "app/figures.h"

namespace polyport::measure {
namespace {

// To send something again so often is no accident, and slows what a connection carries.
constexpr double kManyLossy = 0.1;
constexpr double kShortOfProcessor = 0.2;

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

bool is_short(const Figures& figures) {
  return figures.target.now_ns < kShortestNs;
}

// Why the target was at its limit; empty where it was not.
std::string target_at_limit(const Figures& figures) {
  const LoadSample& target = figures.target;
  if (!is_short(figures) && figures.busy_share() >= kSaturated) {
    std::string text = "its loop was busy " + percent_text(figures.busy_share()) + " of the time";
    if (figures.queued_share() >= kShortOfProcessor) {
      text += ", of which it waited for a processor " + percent_text(figures.queued_share());
    }
    return text;
  }
  // The kernel counts for the whole network namespace: without a queue that was seen to fill it may
  // have been another program's.
  if (target.listen_overflows > 0 && figures.seen.queue * 2 > figures.seen.queue_limit) {
    return "its accept queue was full and the kernel turned away " +
           grouped(target.listen_overflows) + " connections";
  }
  if (figures.seen.queue_limit > 0 && figures.seen.queue >= figures.seen.queue_limit) {
    return "the accept queue of " + figures.seen.fullest + " was full";
  }
  if (const std::uint64_t times = target.refused_when_full(); times > 0) {
    return "it was full, as its limits say, and refused connections or let them wait " +
           grouped(times) + " times";
  }
  if (target.descriptor_bursts > 0) return "it ran out of descriptors";
  return {};
}

std::string tool_at_limit(const Figures& figures) {
  const ToolUse& tool = figures.tool;
  if (tool.busiest_wanted < kSaturated) return {};
  std::string text =
      "a thread of it wanted a core " + percent_text(tool.busiest_wanted) + " of the time";
  if (tool.busiest_wanted - tool.busiest_used >= kShortOfProcessor) {
    text += " and was given one " + percent_text(tool.busiest_used);
  }
  return text;
}

}  // namespace

double Figures::busy_share() const {
  return std::min(1.0, share(target.busy_ns, target.now_ns));
}

double Figures::queued_share() const {
  return share(target.loop_queued_ns, target.now_ns);
}

double Figures::lossy_share() const {
  return share(seen.lossy_looks, seen.looks);
}

std::string_view name(Limit limit) {
  static constexpr std::array<std::string_view, 6> kNames = {"target",  "tool", "both",
                                                             "network", "none", "too_short"};
  return kNames[static_cast<std::size_t>(limit)];
}

Verdict judge(const Figures& figures) {
  const std::string target = target_at_limit(figures);
  const std::string tool = is_short(figures) ? "" : tool_at_limit(figures);
  if (!target.empty() && !tool.empty()) {
    return {Limit::kBoth, "both were at their limit: the target, because " + target +
                              "; the tool, because " + tool};
  }
  if (!target.empty()) return {Limit::kTarget, "the target was the limit: " + target};
  if (is_short(figures)) {
    return {Limit::kTooShort,
            "it was over too soon to say who was the limit: let the tool run for "
            "half a second at least, better ten"};
  }
  const std::string idle =
      "; the target's loop was busy " + percent_text(figures.busy_share()) + " of the time";
  if (!tool.empty()) return {Limit::kTool, "the tool was the limit: " + tool + idle};
  if (figures.lossy_share() >= kManyLossy) {
    return {Limit::kNetwork,
            "the network was the limit: in " + percent_text(figures.lossy_share()) +
                " of the looks at a connection something had to be sent again since the last one" +
                idle};
  }
  return {Limit::kNone,
          "neither was the limit: the tool asked for no more than this (its rate, its connections, "
          "or the way between)" +
              idle + ", and no thread of the tool more than " +
              percent_text(figures.tool.busiest_wanted)};
}

}  // namespace polyport::measure
