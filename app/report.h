// Report: errors and warnings as lines for a person, the same for every command.
#pragma once

#include <cstdio>

#include "core/base/error.h"

namespace polyport {

// "where: error: what (hint)" each, then the warnings in the same form.
void print_findings(std::FILE* out, const Errors& errors, const Errors& warnings = {});

// "3 errors, 1 warning"
std::string count_findings(std::size_t errors, std::size_t warnings);

}  // namespace polyport
