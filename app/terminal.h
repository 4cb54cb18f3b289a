// Terminal: what the program says to the person in front of it, on standard output.
//
// It never waits: a terminal that is stopped with Ctrl-S, or a pipe nobody reads, would stop the
// loop. Text waits in a bounded queue; what does not fit is left out, and a line says how much.
#pragma once

#include <string>
#include <string_view>

#include "app/table.h"
#include "core/loop/timer.h"

namespace polyport {

class Terminal {
 public:
  Terminal(Loop& loop, int fd);
  ~Terminal();  // writes what can be written at once

  // Text of whole lines.
  void write(std::string_view lines);

  static bool is_terminal(int fd);
  // Colour on a terminal, unless NO_COLOR is set or TERM is dumb.
  static Paint paint(int fd);

 private:
  void flush();

  const int fd_;
  std::string waiting_;
  std::size_t left_out_ = 0;  // lines
  Timer retry_;
};

}  // namespace polyport
