// WebSocket frames as a client sends them, and what a server sent taken apart again; for tests.
//
// Written from RFC 6455 by itself, without the code under test, and free to write what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace polyport::test {

struct FrameSpec {
  bool final = true;
  int opcode = 1;
  std::string payload{};
  int rsv = 0;  // 4, 2, 1: RSV1, RSV2, RSV3
  bool masked = true;
  std::uint32_t mask = 0x37fa213d;
  int length_form = 0;  // bytes of the extended length, 2 or 8; 0: the shortest form
};

std::string frame(const FrameSpec& spec);
// Its head alone, for a payload of `length` bytes that never comes.
std::string frame_head(const FrameSpec& spec, std::uint64_t length);

std::string text_frame(std::string payload);
std::string close_frame(int code, std::string reason = {});

struct ParsedFrame {
  bool final = false;
  int opcode = 0;
  int rsv = 0;
  bool masked = false;
  std::string payload;
  bool operator==(const ParsedFrame&) const = default;
};
// The whole frames in `bytes`; what is left of a last one is put into `rest`, if asked for.
std::vector<ParsedFrame> parse_frames(std::string_view bytes, std::string* rest = nullptr);

}  // namespace polyport::test
