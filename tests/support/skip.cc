#include "tests/support/skip.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/support/catch.h"

namespace polyport::test {
namespace {

std::string file_name_of(const std::string& test) {
  std::string name;
  for (const char c : test) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '_';
  }
  return name + ".txt";
}

bool is_listed(const std::string& test) {
  std::ifstream list(POLYPORT_SOURCE_DIR "/tests/may_skip.txt");
  std::string line;
  while (std::getline(list, line)) {
    const std::size_t comment = line.find('#');
    if (comment != std::string::npos) line.erase(comment);
    line.erase(line.find_last_not_of(" \t") + 1);
    if (line == test) return true;
  }
  return false;
}

}  // namespace

void report_skip(const std::string& reason) {
  const std::string test = Catch::getResultCapture().getCurrentTestName();
  if (std::getenv("CI") != nullptr && !is_listed(test)) {  // NOLINT(concurrency-mt-unsafe)
    // Without the word ctest looks for, because a skipped test never counts as failed.
    FAIL("skipped under CI and not in tests/may_skip.txt: " << test << ": " << reason);
  }
  std::cout << "SKIPPED: " << test << ": " << reason << std::endl;
  std::ofstream(POLYPORT_SKIP_DIR "/" + file_name_of(test)) << test << ": " << reason << "\n";
  SUCCEED("skipped");
}

}  // namespace polyport::test
