#include "app/commands/explain.h"

#include <cstdio>

#include "app/commands/exit_code.h"
#include "app/commands/explain/subjects.h"
#include "app/commands/explain/words.h"
#include "app/output.h"
#include "app/report.h"
#include "core/base/text.h"

namespace polyport {
namespace {

constexpr std::size_t kMostQuestions = 1000;

int exit_code(const Subject& subject) {
  for (const Explanation& explanation : subject.explanations) {
    // A port that is asked about without its transport is TCP's; a service needs all it has.
    const Transport transport = explanation.attempt.target.transport;
    const bool aside = transport == Transport::kUdp && !subject.of_service &&
                       contains(subject.transports, Transport::kTcp);
    if (aside) continue;
    if (explanation.verdict == Verdict::kForbidden) return kExitNotPermitted;
    if (explanation.verdict != Verdict::kFree) return kExitNo;
  }
  return kExitOk;
}

// The first that is no among what was first asked about: a service has many.
int exit_code(const Found& first) {
  for (const Subject& subject : first.subjects) {
    if (const int code = exit_code(subject); code != kExitOk) return code;
  }
  return kExitOk;
}

int usage(Error error, const std::string& argument) {
  if (error.where.empty()) error.where = printable(argument, 80);
  print_findings(stderr, {std::move(error)});
  return kExitUsage;
}

std::string json_of(const std::vector<Found>& found) {
  std::vector<Explanation> all;
  for (const Found& each : found) {
    for (const Subject& subject : each.subjects)
      all.insert(all.end(), subject.explanations.begin(), subject.explanations.end());
  }
  return explanations_json(all);
}

}  // namespace

int run_command(const ExplainOptions& options) {
  if (options.questions.size() > kMostQuestions) {
    return usage({ErrorCode::kBadValue, "more than 1000 questions", {}, "ask for fewer at once"},
                 "polyport explain");
  }
  const Services services(options.configuration);
  std::vector<Found> all;
  for (const std::string& argument : options.questions) {
    const auto question = parse_port_question(argument);
    if (!question) return usage(question.error(), argument);
    if (!question->name.empty() && !services.configuration().ok()) {
      print_findings(stderr, services.configuration().usage);
      print_findings(stderr, services.configuration().errors);
      return kExitUsage;
    }
    auto found = subjects_of(*question, services);
    if (!found) return usage(std::move(found.error()), argument);
    all.push_back(std::move(*found));
  }
  explain_all(all);
  const bool json = options.format == ExplainOptions::Format::kJson;
  return answer(json ? json_of(all) : text_of(all), exit_code(all.front()));
}

}  // namespace polyport
