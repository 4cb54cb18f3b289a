// What to do about a bind that failed, likeliest first; each a command or a line of configuration
// that is safe to type.
//
// Never to stop what must not be stopped (process 1, a container's proxy, the SSH server), never a
// client of a socket, and no port is called free that was not tried.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/ports/explanation.h"
#include "core/ports/port_facts.h"

namespace polyport {

struct Remedies {
  const PortFacts& facts;
  std::span<const BindTarget> wanted;  // as in ExplainRequest
  std::string_view run_command;
  // Whether it could be bound now.
  std::function<bool(const BindTarget&)> is_free;
  int offset = 0;       // as in ExplainRequest
  int free_offset = 0;  // what find_free_offset() has found
};

std::vector<Suggestion> suggestions(const Explanation& explanation, const Remedies& remedies);

// Of a limit of descriptors, EMFILE or ENFILE.
Suggestion descriptor_suggestion(int error);

// Of the usual offsets the first with which all wanted ports from 1024 up are free; 0: none.
int find_free_offset(const Remedies& remedies);

}  // namespace polyport
