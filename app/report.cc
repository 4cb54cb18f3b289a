#include "app/report.h"

#include <algorithm>
#include <utility>

namespace polyport {
namespace {

void print_as(std::FILE* out, const char* kind, const Errors& findings) {
  for (const Error& finding : findings) {
    const std::string place = finding.where.empty() ? "" : finding.where + ": ";
    const std::string hint = finding.hint.empty() ? "" : " (" + finding.hint + ")";
    std::fprintf(out, "%s%s: %s%s\n", place.c_str(), kind, finding.what.c_str(), hint.c_str());
  }
}

}  // namespace

void print_findings(std::FILE* out, const Errors& errors, const Errors& warnings,
                    const Errors& notes) {
  print_as(out, "error", errors);
  print_as(out, "warning", warnings);
  print_as(out, "note", notes);
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
