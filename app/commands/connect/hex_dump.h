// HexDump: bytes as lines of sixteen, with their offset, in hex and as text.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace polyport {

class HexDump {
 public:
  // Appends the whole lines that are complete with these bytes to `out`.
  void add(Bytes bytes, std::string& out);
  // Appends what is left of an incomplete line; the next bytes begin a line of their own.
  void flush(std::string& out);

 private:
  std::uint64_t offset_ = 0;  // of the first byte of line_
  std::string line_;          // fewer than sixteen bytes
};

}  // namespace polyport
