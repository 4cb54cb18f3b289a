// A second process of a demo: it opens one socket, says what the kernel answered, and holds it
// until it is ended, or until the demo is gone in whatever way.
#pragma once

#include "app/commands/demo/lab.h"

namespace polyport::demo {

Held start_process(const Wish& wish, Where where);
// Kills it and waits for its end.
void end_process(int pid);

}  // namespace polyport::demo
