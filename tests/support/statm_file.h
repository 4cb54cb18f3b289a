// A file like /proc/self/statm that says what a test wants.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"

namespace polyport::test {

class StatmFile {
 public:
  explicit StatmFile(std::uint64_t pages) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    say(pages);
  }
  ~StatmFile() { ::unlink(path_.c_str()); }
  StatmFile(const StatmFile&) = delete;
  StatmFile& operator=(const StatmFile&) = delete;

  void say(std::uint64_t resident_pages) const {
    std::ofstream(path_) << "99999 " << resident_pages << " 12 3 0 7 0\n";
  }
  const char* path() const { return path_.c_str(); }
  static std::uint64_t page() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "polyport-statm-XXXXXX").string();
};

}  // namespace polyport::test
