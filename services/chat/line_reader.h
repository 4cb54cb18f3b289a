// line_reader: what a chat member behind nc, telnet or `polyport connect` types, taken apart.
//
// Bytes in, lines out, as a pure state machine: LF ends a line (a CR is dropped like every control
// character), telnet commands are taken out and options refused (RFC 854), lines are bounded,
// cleaned of what could steer a terminal, and checked to be UTF-8. It also notices who came through
// the wrong door: an HTTP or a TLS client. It sends nothing and knows no room.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace polyport::services::chat {

struct LineItem {
  enum class Kind : std::uint8_t {
    kLine,        // `text` is a whole line, clean, without white space at its ends
    kTooLong,     // a line was over the limit and is gone
    kNotUtf8,     // a line was not UTF-8 and is gone
    kHttp,        // the first line is a request of HTTP
    kIrc,         // the first line is what a client of IRC says first
    kTls,         // the first byte begins a TLS handshake
    kTelnetReply  // `text` must go back to the peer as it is
  };
  Kind kind = Kind::kLine;
  std::string_view text = {};
};

class LineReader {
 public:
  // Lines of up to `most` bytes are taken; that many are kept of a line that has not ended.
  explicit LineReader(std::uint32_t most_bytes) : most_bytes_(most_bytes) {}

  // Takes bytes from the front of `data` up to the next thing worth telling; nothing once `data` is
  // empty. The item's text is valid until the next call.
  std::optional<LineItem> next(Bytes& data);
  // What was typed before a FIN without a line's end counts as a line.
  std::optional<LineItem> end();

 private:
  enum class Telnet : std::uint8_t {
    kText,
    kCommand,         // after IAC
    kWill,            // after IAC WILL: the option follows
    kDo,              // after IAC DO
    kDropOne,         // after IAC WONT or DONT
    kSubnegotiation,  // dropped up to IAC SE
    kSubnegotiationCommand
  };

  bool take_telnet(unsigned char byte);  // true where the byte was telnet's
  Telnet after_command(unsigned char command);
  void refuse(unsigned char verb, unsigned char option);
  LineItem finish_line();

  std::unique_ptr<std::string> line_;  // only while a line is half typed
  std::unique_ptr<std::string> done_;  // the line last told, until the next call
  std::array<char, 3> reply_{};
  std::uint32_t most_bytes_;
  std::uint16_t subnegotiation_bytes_ = 0;
  Telnet telnet_ = Telnet::kText;
  bool reply_due_ = false;
  bool too_long_ = false;
  bool first_byte_ = true;
  bool first_line_ = true;
};

}  // namespace polyport::services::chat
