// What a MessageReader makes of a run of bytes, however they are cut; for tests and fuzzing.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "core/http/websocket_message.h"

namespace polyport::test {

struct SeenEvent {
  http::MessageReader::Event::Kind kind;
  http::MessageKind message;
  http::CloseCode code;
  std::string bytes;
  bool operator==(const SeenEvent&) const = default;
};

// Reads `bytes` in pieces of the sizes that `next_size` gives, each in memory of its own, so that a
// read past its end is seen.
template <class NextSize>
std::vector<SeenEvent> read_messages(http::WebSocketMemory& memory,
                                     const http::MessageReader::Setup& setup, Bytes bytes,
                                     NextSize next_size) {
  using Kind = http::MessageReader::Event::Kind;
  http::MessageReader reader(memory, setup);
  std::vector<SeenEvent> seen;
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, std::max<std::size_t>(next_size(), 1)));
    bytes.remove_prefix(piece.size());
    Bytes input = piece;
    for (;;) {
      const auto event = reader.next(input);
      if (event.kind == Kind::kNeedMore) break;
      if (event.kind == Kind::kProgress) continue;
      seen.push_back({event.kind, event.message, event.code, std::string(event.bytes)});
    }
  }
  return seen;
}

}  // namespace polyport::test
