// polyport measure: runs a load tool, and says what the server under it saw in that time, and which
// of the two was the limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polyport {

struct MeasureOptions {
  enum class Format : std::uint8_t { kText, kJson };

  std::string target = "http://localhost:9900";  // of the server's admin pages
  std::vector<std::string> command;
  Format format = Format::kText;
};

// Exit code 0: measured, and the tool ended with 0. 1: it ended otherwise. 5: the target cannot be
// asked.
int run_command(const MeasureOptions& options);

}  // namespace polyport
