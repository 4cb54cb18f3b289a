#include "app/commands/check.h"

#include <cstdio>
#include <iterator>
#include <utility>

#include "app/commands/exit_code.h"
#include "app/planned_endpoints.h"
#include "app/report.h"
#include "core/base/json_writer.h"

namespace polyport {
namespace {

struct Verdict {
  Errors errors;
  Errors warnings;
  Errors notes;
  int exit_code = kExitOk;
};

void append(Errors& list, Errors more) {
  list.insert(list.end(), std::make_move_iterator(more.begin()),
              std::make_move_iterator(more.end()));
}

// What the endpoints do to each other is worth looking at only where each is right by itself.
void judge_endpoints(const Configuration& configuration, Verdict& verdict) {
  const MachineFacts facts = read_machine_facts();
  PlannedEndpoints planned = plan_endpoints(configuration.plans, facts.families);
  StaticFindings found = find_static_conflicts(planned.endpoints, facts);
  append(verdict.errors, std::move(planned.errors));
  append(verdict.errors, std::move(found.errors));
  append(verdict.warnings, std::move(found.warnings));
  append(verdict.notes, std::move(planned.notes));
  append(verdict.notes, std::move(found.notes));
}

Verdict judge(const Configuration& configuration) {
  if (!configuration.usage.empty()) {
    return {.errors = configuration.usage, .exit_code = kExitUsage};
  }
  Verdict verdict{.errors = configuration.errors, .warnings = configuration.warnings};
  if (verdict.errors.empty()) judge_endpoints(configuration, verdict);
  verdict.exit_code = verdict.errors.empty() ? kExitOk : kExitNo;
  return verdict;
}

int print_text(const std::string& name, const Verdict& verdict) {
  if (verdict.exit_code == kExitUsage) {
    print_findings(stderr, verdict.errors);
    return verdict.exit_code;
  }
  print_findings(stdout, verdict.errors, verdict.warnings, verdict.notes);
  const bool clean = verdict.errors.empty() && verdict.warnings.empty();
  const std::string counts = count_findings(verdict.errors.size(), verdict.warnings.size());
  std::printf("%s: %s\n", name.c_str(), clean ? "ok" : counts.c_str());
  return verdict.exit_code;
}

int print_json(const Verdict& verdict) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("ok", verdict.exit_code == kExitOk);
  write_errors(json, "errors", verdict.errors);
  write_errors(json, "warnings", verdict.warnings);
  write_errors(json, "notes", verdict.notes);
  json.key("explanations");
  json.begin_array();
  json.end_array();
  json.end_object();
  std::printf("%s\n", text.c_str());
  return verdict.exit_code;
}

}  // namespace

int run_check(const CheckOptions& options) {
  const Configuration configuration = load_configuration(options.configuration);
  const Verdict verdict = judge(configuration);
  return options.format == CheckOptions::Format::kJson ? print_json(verdict)
                                                       : print_text(configuration.name, verdict);
}

int print_check(const Configuration& configuration) {
  return print_text(configuration.name, judge(configuration));
}

}  // namespace polyport
