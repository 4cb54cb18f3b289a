// polyport demo NAME: a lesson about ports, told while it really happens on this machine.
//
// Each takes less than a minute, needs no privilege, talks to nobody but this machine and leaves
// nothing behind but what the kernel keeps by itself (TIME_WAIT).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace polyport {

struct DemoOptions {
  std::string name;                   // empty: list them
  std::optional<std::uint32_t> note;  // of `notes`: only this one
  bool fast = false;                  // no pauses on a terminal
};

// 0: the kernel did what the demo says; 1: it answered otherwise, and that was told; 2: no such
// demo; 5: it could not be carried out.
int run_command(const DemoOptions& options);

}  // namespace polyport
