// A file in memory that ends with the process: for what other programs of this user (or root) may
// read by a path, while nothing is written to disk.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"

namespace polyport {

class MemoryFile {
 public:
  // Sealed: what it says cannot be changed any more. Mode 0400. `name` is shown in /proc.
  static Result<MemoryFile> make(const std::string& name, std::string_view bytes);

  MemoryFile() = default;
  MemoryFile(MemoryFile&& other) noexcept;
  MemoryFile& operator=(MemoryFile&& other) noexcept;
  ~MemoryFile();

  // "/proc/PID/fd/N", good for as long as this object lives.
  std::string path() const;

 private:
  explicit MemoryFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace polyport
