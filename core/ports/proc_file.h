// Small files of /proc, read whole and in bounds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace polyport {

// The first `most` bytes of a file, or nothing where it cannot be opened or read. `directory` is a
// descriptor that `path` is relative to, or AT_FDCWD. Never waits: a FIFO in the way is no file.
std::optional<std::string> read_proc_file(int directory, const char* path, std::size_t most);

}  // namespace polyport
