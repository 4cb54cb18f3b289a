// From failed binds to their explanations: gathers from this machine what core/ports/explanation.h
// judges by, once for all of them.
//
// Blocks (reads /proc, tries binds): at start, in commands, never on a running loop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
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
  std::span<const OwnSocket> own;
  // Every port the configuration wants, taken or not: an offset must suit all of them, and none of
  // them is offered as free.
  std::span<const BindTarget> wanted;
};

// One for each attempt, in their order.
std::vector<Explanation> explain(const ExplainRequest& request);

}  // namespace polyport
