#include "tests/support/paths.h"

#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

namespace polyport::test {

std::string source_path(std::string_view relative) {
  return POLYPORT_SOURCE_DIR "/" + std::string(relative);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  INFO(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace polyport::test
