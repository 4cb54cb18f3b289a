// BlockWriter: many lines a second into a file or a pipe, without the loop ever waiting for it.
//
// Lines are gathered in blocks of 64 KiB and handed whole to a thread of its own. When sixteen
// blocks wait to be written, further lines are dropped and counted. For access logs: what the
// program has to say itself goes through Log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace polyport {

class BlockWriter {
 public:
  static constexpr std::size_t kBlockBytes = 64 * 1024;
  static constexpr std::size_t kMostPending = 16;

  // "stdout", "stderr" or a path, which is appended to. Errors carry the target as their place.
  static Result<std::unique_ptr<BlockWriter>> open(const std::string& target);
  // Writes what is there, for at most a second where nobody reads.
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  // One line with its line end, at most kBlockBytes. True where it is the first of a block, which
  // somebody must hand over when it has waited long enough.
  bool add(Bytes line);
  // Hands the block over as far as it is filled.
  void hand_over();
  std::uint64_t dropped() const;  // lines

 private:
  struct Shared;
  explicit BlockWriter(int fd);

  std::unique_ptr<Shared> shared_;
  std::string block_;
  std::uint64_t lines_ = 0;  // in the block
};

}  // namespace polyport
