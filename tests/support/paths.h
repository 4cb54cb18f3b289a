// Where the source tree stands, for tests that read files of the project.
#pragma once

#include <string>
#include <string_view>

namespace polyport::test {

// "config/bad" in the source tree, as a path that can be opened.
std::string source_path(std::string_view relative);
// The whole file; fails the test where it cannot be read.
std::string read_file(const std::string& path);

}  // namespace polyport::test
