// Explanations for a person, in lines of at most 80 columns where the words allow it.
//
// One process often holds every port of a second start: its ports are told together, and what to do
// is told once.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/base/layout.h"
#include "core/ports/explanation.h"

namespace polyport {
namespace {

constexpr std::size_t kTextColumn = 9;  // behind "  rule   "
constexpr std::size_t kMostShown = 4;   // endpoints of a group after its first
constexpr std::size_t kMostRules = 4;
constexpr std::size_t kMostRemedies = 8;

// --- groups --------------------------------------------------------------------------------------

// What stands in the way of all explanations of one group: a process where one is known, else one
// kind of trouble.
std::string group_key(const Explanation& explanation) {
  if (explanation.verdict == Verdict::kTaken && !explanation.holders.empty()) {
    const Holder& first = explanation.holders.front();
    const bool serves = first.kind != Holder::Kind::kConnection &&
                        first.kind != Holder::Kind::kTimeWait && !first.ours;
    if (serves && first.process) return "pid " + std::to_string(first.process->pid);
  }
  const bool alike = explanation.rule == BindRule::kDescriptorLimit ||
                     explanation.rule == BindRule::kFamilyUnavailable ||
                     explanation.rule == BindRule::kPrivilegedPort;
  if (alike) return std::string(name(explanation.rule));
  return "";  // a group of its own
}

using Group = std::vector<const Explanation*>;

std::vector<Group> grouped(std::span<const Explanation> explanations) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> known;
  for (const Explanation& explanation : explanations) {
    if (explanation.verdict == Verdict::kFree) continue;
    const std::string key = group_key(explanation);
    const auto found = key.empty() ? known.end() : known.find(key);
    if (found != known.end()) {
      groups[found->second].push_back(&explanation);
      continue;
    }
    if (!key.empty()) known.emplace(key, groups.size());
    groups.push_back({&explanation});
  }
  return groups;
}

std::string title(const Explanation& explanation) {
  const BindAttempt& attempt = explanation.attempt;
  std::string text =
      "  " + (attempt.service.empty() ? "" : attempt.service + "  ") + spoken(attempt.target);
  if (!attempt.where.empty()) text += "  (" + attempt.where + ")";
  return text + "\n";
}

std::string others_of(const Group& group) {
  const std::size_t count = group.size() - 1;
  std::string list;
  for (std::size_t i = 1; i < group.size() && i <= kMostShown; ++i) {
    list += (i == 1 ? "" : ", ") + spoken(group[i]->attempt.target);
  }
  if (count > kMostShown) list += ", …";
  const bool held = group.front()->verdict == Verdict::kTaken;
  return std::string(count == 1 ? "one more socket is"
                                : std::to_string(count) + " more sockets are") +
         (held ? " held by the same process: " : " refused for the same reason: ") + list;
}

std::string group_text(const Group& group) {
  constexpr std::size_t kIndent = 4;
  const std::string indent(kIndent, ' ');
  std::string text = title(*group.front());
  text += indent + wrapped(group.front()->reason, kIndent, kIndent) + "\n";
  if (group.size() > 1) text += indent + wrapped(others_of(group), kIndent, kIndent) + "\n";
  return text;
}

// --- what to do ----------------------------------------------------------------------------------

// With several ports in the way, what mends one of them is no help.
bool mends_one(const Suggestion& suggestion) {
  return suggestion.kind == "other_port" || suggestion.kind == "other_address";
}

std::vector<Suggestion> remedies(std::span<const Explanation> explanations) {
  std::vector<Suggestion> chosen;
  std::set<std::string> told, typed;
  std::set<std::pair<Transport, std::string>> refused;  // localhost is one
  for (const Explanation& explanation : explanations) {
    const BindTarget& target = explanation.attempt.target;
    if (explanation.verdict == Verdict::kFree) continue;
    refused.emplace(target.transport, target.transport == Transport::kUnix
                                          ? target.path
                                          : std::to_string(target.address.port));
  }
  const bool several = refused.size() > 1;
  for (const Explanation& explanation : explanations) {
    for (const Suggestion& suggestion : explanation.suggestions) {
      if (several && mends_one(suggestion)) continue;
      // One remedy of a kind for each holder or port; of two families of one port it is the same.
      const bool once = mends_one(suggestion) || suggestion.kind == "on_conflict";
      const std::string key =
          once ? suggestion.kind : suggestion.kind + suggestion.command + suggestion.config;
      if (!suggestion.command.empty() && !typed.insert(suggestion.command).second) continue;
      if (told.insert(key).second) chosen.push_back(suggestion);
    }
  }
  if (several) {
    const auto rank = [](const Suggestion& suggestion) {
      if (suggestion.kind == "offset") return 0;
      return suggestion.kind.starts_with("stop_") ? 1 : 2;
    };
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](const Suggestion& a, const Suggestion& b) { return rank(a) < rank(b); });
  }
  return chosen;
}

std::string remedy_text(const Suggestion& suggestion) {
  const std::string& typed = suggestion.command.empty() ? suggestion.config : suggestion.command;
  if (typed.empty()) return suggestion.text;
  return typed + "   " + suggestion.text;
}

// The command in its own column where it is short, and never broken: it is there to be pasted.
std::string remedy_lines(const std::vector<Suggestion>& chosen) {
  std::string text;
  std::string_view label = "do";
  for (std::size_t i = 0; i < std::min(chosen.size(), kMostRemedies); ++i) {
    const Suggestion& each = chosen[i];
    const std::string& typed = each.command.empty() ? each.config : each.command;
    const std::string whole = remedy_text(each);
    std::string line = "  " + std::string(std::exchange(label, ""));
    line.resize(kTextColumn, ' ');
    if (typed.empty()) {
      text += line + wrapped(whole, line.size(), line.size()) + "\n";
    } else if (line.size() + columns(whole) <= kTerminalColumns) {
      text += line + whole + "\n";
    } else {
      const std::string deeper(line.size() + 4, ' ');
      text +=
          line + typed + "\n" + deeper + wrapped(each.text, deeper.size(), deeper.size()) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string advice_text(std::span<const Explanation> explanations) {
  std::vector<BindRule> rules;
  for (const Explanation& explanation : explanations) {
    if (sentence(explanation.rule).empty() || rules.size() == kMostRules) continue;
    if (std::find(rules.begin(), rules.end(), explanation.rule) == rules.end()) {
      rules.push_back(explanation.rule);
    }
  }
  std::string text;
  std::string_view label = "rule";
  for (const BindRule rule : rules)
    text += labelled_line(std::exchange(label, ""), sentence(rule), kTextColumn);
  return text + remedy_lines(remedies(explanations));
}

std::string explanations_text(std::span<const Explanation> explanations) {
  std::string text;
  for (const Group& group : grouped(explanations))
    text += group_text(group);
  return text.empty() ? text : text + "\n" + advice_text(explanations);
}

}  // namespace polyport
