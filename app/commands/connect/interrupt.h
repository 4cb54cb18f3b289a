// Interrupt: Ctrl-C and SIGTERM as something that poll() can wait for.
#pragma once

namespace polyport {

class Interrupt {
 public:
  // From now on the first SIGINT or SIGTERM makes descriptor() readable; a second one ends the
  // process as if nobody cared. A signal that was ignored before stays ignored (nohup, "&" in
  // scripts). At most one object at a time.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  int descriptor() const;
};

}  // namespace polyport
