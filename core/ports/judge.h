// The judgement on one attempt to bind: verdict, rule, who is in the way, in one sentence.
//
// Pure: facts in, explanation out. What to do about it is core/ports/suggestions.h.
#pragma once

#include <span>

#include "core/ports/explain.h"
#include "core/ports/port_facts.h"

namespace polyport {

Explanation judge(const BindAttempt& attempt, const PortFacts& facts,
                  std::span<const OwnSocket> own);

// "this container", for "free in …"; empty for the whole machine.
std::string_view name(View view);
// For below an answer: an empty line, and which ports it was about. Nothing for the whole machine.
std::string aside(View view);
// "polyport (pid 4211), yours, since 09:13, its service "web"", or what is known where no process
// is.
std::string who(const Holder& holder);
// "held by …", "lent to an outgoing connection of …", as the kind and the rule ask.
std::string in_the_way(const Holder& holder, BindRule rule);

}  // namespace polyport
