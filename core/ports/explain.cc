#include "core/ports/explain.h"

#include "core/ports/judge.h"
#include "core/ports/port_facts.h"
#include "core/ports/suggestions.h"

namespace polyport {

std::vector<Explanation> explain(const ExplainRequest& request) {
  const PortFacts facts = gather_port_facts(request.attempts);
  const Remedies remedies{
      .facts = facts,
      .wanted = request.wanted,
      .run_command = request.run_command,
      .is_free = [](const BindTarget& target) { return try_bind(target).error == 0; },
      .offset = request.offset};
  std::vector<Explanation> explanations;
  for (const BindAttempt& attempt : request.attempts) {
    Explanation explanation = judge(attempt, facts, request.own);
    explanation.suggestions = suggestions(explanation, remedies);
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

}  // namespace polyport
