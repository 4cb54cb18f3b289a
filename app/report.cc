#include "app/report.h"

#include <algorithm>
#include <utility>

namespace polyport {
namespace {

void append_as(std::string& text, const char* kind, const Errors& findings) {
  for (const Error& finding : findings) {
    if (!finding.where.empty()) text += finding.where + ": ";
    text += std::string(kind) + ": " + finding.what;
    text += finding.hint.empty() ? "\n" : " (" + finding.hint + ")\n";
  }
}

}  // namespace

std::string findings_text(const Errors& errors, const Errors& warnings, const Errors& notes) {
  std::string text;
  append_as(text, "error", errors);
  append_as(text, "warning", warnings);
  append_as(text, "note", notes);
  return text;
}

void print_findings(std::FILE* out, const Errors& errors, const Errors& warnings,
                    const Errors& notes) {
  std::fputs(findings_text(errors, warnings, notes).c_str(), out);
}

std::string count_findings(std::size_t errors, std::size_t warnings) {
  const auto counted = [](std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
  };
  return counted(errors, "error") + ", " + counted(warnings, "warning");
}

void write_errors(JsonWriter& json, std::string_view key, const Errors& errors) {
  json.key(key);
  json.begin_array();
  for (const Error& error : errors) {
    std::string words(name(error.code));
    std::replace(words.begin(), words.end(), '_', ' ');
    json.begin_object();
    json.field("code", name(error.code));
    json.field("error", words);
    json.field("detail", error.what);
    json.field("where", error.where);
    json.field("hint", error.hint);
    json.end_object();
  }
  json.end_array();
}

}  // namespace polyport
