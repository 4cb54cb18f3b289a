#include "core/ports/explain.h"

#include <map>
#include <tuple>

#include "core/ports/judge.h"
#include "core/ports/port_facts.h"
#include "core/ports/suggestions.h"

namespace polyport {

namespace {

// What to do about the hundredth port is what to do about the first, and to find out takes binds.
constexpr std::size_t kMostWithSuggestions = 100;

// Whether a port can be bound now. Asked once: many attempts come back to the same ports.
class FreePorts {
 public:
  bool is_free(const BindTarget& target) {
    const Key key{target.transport, target.address, target.path, target.ipv6_mode};
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    return known_.emplace(key, try_bind(target).error == 0).first->second;
  }

 private:
  using Key = std::tuple<Transport, Address, std::string, IPv6Mode>;
  std::map<Key, bool> known_;
};

}  // namespace

std::vector<Explanation> explain(const ExplainRequest& request) {
  const PortFacts facts = gather_port_facts(request.attempts);
  FreePorts ports;
  const Remedies remedies{
      .facts = facts,
      .wanted = request.wanted,
      .run_command = request.run_command,
      .is_free = [&ports](const BindTarget& target) { return ports.is_free(target); },
      .offset = request.offset};
  std::vector<Explanation> explanations;
  for (const BindAttempt& attempt : request.attempts) {
    Explanation explanation = judge(attempt, facts, request.own);
    if (explanations.size() < kMostWithSuggestions) {
      explanation.suggestions = suggestions(explanation, remedies);
    }
    explanations.push_back(std::move(explanation));
  }
  return explanations;
}

}  // namespace polyport
