// WebSocketMemory: what the WebSocket connections of one door need for a moment and share.
//
// A connection in the middle of a message borrows a Draft, one in the middle of a compressed
// message an Inflater; between messages it owns neither. Lives on the loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/http/raw_deflate.h"
#include "core/http/websocket_close.h"

namespace polyport::http {

// A message or a control frame that has come in part.
struct Draft {
  std::string content;
  std::uint64_t wire_bytes = 0;  // of the message, as they came
  std::uint32_t fragments = 0;
  std::uint8_t control_size = 0;
  std::array<char, kMostControlBytes> control{};
};

class WebSocketMemory {
 public:
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  WebSocketMemory() : scratch_(std::make_unique_for_overwrite<char[]>(kScratchBytes)) {}

  // For what is used up before anything else runs.
  char* scratch() { return scratch_.get(); }

  std::unique_ptr<Draft> take_draft();
  void give_back(std::unique_ptr<Draft> draft);
  std::unique_ptr<Inflater> take_inflater();
  void give_back(std::unique_ptr<Inflater> inflater);
  // For messages that stand for themselves; reset it before each.
  Deflater& deflater(int window_bits);

 private:
  // More of each, and larger ones, are not worth keeping.
  static constexpr std::size_t kMostIdle = 16;
  static constexpr std::size_t kMostKeptBytes = 64 * 1024;

  std::unique_ptr<char[]> scratch_;
  std::vector<std::unique_ptr<Draft>> drafts_;
  std::vector<std::unique_ptr<Inflater>> inflaters_;
  std::array<std::unique_ptr<Deflater>, Deflater::kMostWindowBits + 1> deflaters_;
};

}  // namespace polyport::http
