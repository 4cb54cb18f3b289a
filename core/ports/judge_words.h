// The words of a judgement: why a port could not be had, who is in the way, whose ports were seen.
//
// Pure: what core/ports/judge.h has found, to text.
#pragma once

#include <string>
#include <string_view>

#include "core/ports/explanation.h"
#include "core/ports/port_facts.h"

namespace polyport {

// The predicate of the sentence, "taken: held by …", "free"; asks for verdict, rule and holders.
std::string reason_for(const Explanation& explanation, const PortFacts& facts);

// "polyport (pid 4211), yours, since 09:13, its service "web"", or what is known where no process
// is.
std::string who(const Holder& holder);
// "held by …", "lent to an outgoing connection of …", as the kind and the rule ask.
std::string in_the_way(const Holder& holder, BindRule rule);

// "this container", for "free in …"; empty for the whole machine.
std::string_view name(View view);
// For below an answer: an empty line, and which ports it was about. Nothing for the whole machine.
std::string aside(View view);

}  // namespace polyport
