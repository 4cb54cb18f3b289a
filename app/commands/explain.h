// polyport explain: what a port number is, who has it now, whether you could bind it, and what to
// do where you could not.
#pragma once

#include <string>
#include <vector>

namespace polyport {

struct ExplainOptions {
  enum class Format { kText, kJson };

  std::vector<std::string> questions;  // see core/ports/port_question.h
  std::string configuration;  // where services of that name are looked for; empty: the demo
  Format format = Format::kText;
};

// Exit code by the first port asked about: 0 free, 1 taken or not to be had, 4 not permitted.
int run_command(const ExplainOptions& options);

}  // namespace polyport
