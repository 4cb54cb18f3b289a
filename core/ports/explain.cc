#include "core/ports/explain.h"

#include <algorithm>
#include <map>
#include <string>

#include "core/ports/judge.h"
#include "core/ports/port_facts.h"
#include "core/ports/suggestions.h"

namespace polyport {
std::vector<Explanation> explain(const ExplainRequest& request) {
  const PortFacts facts = gather_port_facts(request.attempts);
  const bool any_refused = std::any_of(request.attempts.begin(), request.attempts.end(),
                                       [](const BindAttempt& each) { return each.error != 0; });
  // Neighbouring ports are asked about by one explanation after the other.
  std::map<std::string, bool> tried;
  Remedies remedies{.facts = facts,
                    .wanted = request.wanted,
                    .run_command = request.run_command,
                    .is_free =
                        [&](const BindTarget& target) {
                          const auto [entry, fresh] = tried.try_emplace(target.endpoint(), false);
                          if (fresh) entry->second = try_bind(target).error == 0;
                          return entry->second;
                        },
                    .offset = request.offset};
  if (any_refused) remedies.free_offset = find_free_offset(remedies);
  std::vector<Explanation> explanations;
  for (const BindAttempt& attempt : request.attempts) {
    Explanation explanation = judge(attempt, facts, request.own);
    if (explanations.size() < request.most_mended) {
      explanation.suggestions = suggestions(explanation, remedies);
    }
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

}  // namespace polyport
