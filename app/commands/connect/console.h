// Console: the standard streams of connect. Input towards the server, its bytes towards standard
// output, our words towards standard error.
//
// The streams are shared with other processes, so they are never made non-blocking: what is read
// and written after poll() is small enough not to wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "app/commands/connect/hex_dump.h"
#include "core/base/bytes.h"

namespace polyport {

class Input {
 public:
  enum class LineEnds : std::uint8_t { kAsTyped, kCrLf };
  explicit Input(LineEnds line_ends) : line_ends_(line_ends) {}

  bool ended() const { return ended_; }
  void end() { ended_ = true; }  // nobody wants the rest
  int descriptor() const { return ended_ ? -1 : 0; }
  // Appends what is there to `bytes`; call after poll() has said so.
  void read_into(std::string& bytes);

  static bool is_terminal();

 private:
  LineEnds line_ends_;
  bool ended_ = false;
  char last_ = '\0';  // byte read
};

class Output {
 public:
  enum class Form : std::uint8_t { kRaw, kHex };
  explicit Output(Form form) : form_(form) {}

  // Takes bytes of the server. More are best taken only when nothing is pending.
  void add(Bytes bytes);
  // No more bytes for now: a line of the hex dump that is not full is due.
  void pause();
  bool pending() const { return written_ < waiting_.size(); }
  // Writes some; call after poll() has said that descriptor() is writable.
  void write_some();
  // Why nothing can be written any more (EPIPE: nobody reads it), or 0.
  int error() const { return error_; }
  void set_error(int error) { error_ = error; }
  static constexpr int descriptor() { return 1; }

 private:
  Form form_;
  HexDump dump_;
  std::string waiting_;
  std::size_t written_ = 0;
  int error_ = 0;
};

// Whole lines to standard error.
void say(std::string_view lines);

}  // namespace polyport
