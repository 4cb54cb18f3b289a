// Report: errors and warnings as lines for a person and as JSON, the same for every command.
#pragma once

#include <cstdio>
#include <string_view>

#include "core/base/error.h"
#include "core/base/json_writer.h"

namespace polyport {

// "where: error: what (hint)" each, then the warnings and the notes in the same form.
void print_findings(std::FILE* out, const Errors& errors, const Errors& warnings = {},
                    const Errors& notes = {});

// "3 errors, 1 warning"
std::string count_findings(std::size_t errors, std::size_t warnings);

// "key": a list of {"code", "error", "detail", "where", "hint"}, of which `error` is the code in
// words and `detail` the sentence.
void write_errors(JsonWriter& json, std::string_view key, const Errors& errors);

}  // namespace polyport
