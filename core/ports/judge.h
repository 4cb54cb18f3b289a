// The judgement on one attempt to bind: verdict, rule, who is in the way, in one sentence.
//
// Pure: facts in, explanation out. Its words are core/ports/judge_words.h, what to do about it is
// core/ports/suggestions.h.
#pragma once

#include <span>

#include "core/ports/explain.h"
#include "core/ports/port_facts.h"

namespace polyport {

Explanation judge(const BindAttempt& attempt, const PortFacts& facts,
                  std::span<const OwnSocket> own);

}  // namespace polyport
