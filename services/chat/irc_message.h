// IRC's lines (RFC 2812 section 2.3): bytes taken apart as they come, and what one line says.
//
// Pure. A line has at most 512 bytes with its end; tags in front of it (IRCv3) up to 4096 more are
// dropped. LF alone ends a line, too, and empty lines are nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace polyport::services::chat {

struct IrcMessage {
  static constexpr std::size_t kMostParameters = 15;

  std::string_view command;  // as it was sent; its case means nothing
  std::array<std::string_view, kMostParameters> parameters;
  std::size_t count = 0;

  // Empty where there is none.
  std::string_view parameter(std::size_t i) const { return i < count ? parameters[i] : ""; }
};

// Of a line without its end, tags and prefix dropped. Nothing where it has no command.
std::optional<IrcMessage> parse_irc(std::string_view line);

struct IrcItem {
  enum class Kind : std::uint8_t {
    kLine,     // `text` is a line, not empty
    kTooLong,  // a line was over the limit and is gone
    kHttp,     // the first line is a request of HTTP
    kTls,      // the first byte begins a TLS handshake
  };
  Kind kind = Kind::kLine;
  std::string_view text = {};
};

class IrcReader {
 public:
  static constexpr std::size_t kMostLine = 510;  // without its CR LF
  static constexpr std::size_t kMostTags = 4096;

  // Takes bytes from the front of `data` up to the next thing worth telling; nothing once `data` is
  // empty. The item's text is valid until the next call, and while `data`'s bytes are.
  std::optional<IrcItem> next(Bytes& data);

 private:
  std::optional<IrcItem> finish(std::string_view line);

  std::unique_ptr<std::string> half_;  // only while a line is half there
  std::unique_ptr<std::string> done_;  // the line last told, where it came in pieces
  bool too_long_ = false;
  bool first_byte_ = true;
  bool first_line_ = true;
};

}  // namespace polyport::services::chat
