// From attempts to bind to their explanations: gathers the facts, judges, and finds what to do.
//
// Blocks; at start, in commands, never on a running loop.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/explanation.h"

namespace polyport {

// A socket that this process holds, so that an explanation can name its service.
struct OwnSocket {
  BindTarget target;
  std::string service;
  std::string where;
};

struct ExplainRequest {
  std::span<const BindAttempt> attempts;
  std::span<const OwnSocket> own = {};
  // Every port the configuration wants, taken or not: an offset must suit all of them, and none of
  // them is offered as free.
  std::span<const BindTarget> wanted = {};
  // What to type to start the same again, for suggestions: "polyport run my.toml".
  std::string_view run_command = "polyport run";
  // What --offset has added to the ports of `wanted` already.
  int offset = 0;
  // How many get suggestions: what mends the thousandth port of a range mends the first.
  std::size_t most_mended = 100;
};

// One for each attempt, in their order.
std::vector<Explanation> explain(const ExplainRequest& request);

}  // namespace polyport
