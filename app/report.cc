#include "app/report.h"

#include <utility>

namespace polyport {

void print_findings(std::FILE* out, const Errors& errors, const Errors& warnings) {
  for (const Error& error : errors)
    std::fprintf(out, "%s\n", error.text().c_str());
  for (const Error& warning : warnings) {
    const std::string place = warning.where.empty() ? "" : warning.where + ": ";
    const std::string hint = warning.hint.empty() ? "" : " (" + warning.hint + ")";
    std::fprintf(out, "%swarning: %s%s\n", place.c_str(), warning.what.c_str(), hint.c_str());
  }
}

std::string count_findings(std::size_t errors, std::size_t warnings) {
  const auto counted = [](std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
  };
  return counted(errors, "error") + ", " + counted(warnings, "warning");
}

}  // namespace polyport
