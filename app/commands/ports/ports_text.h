// The sockets as a table for a person. Pure.
#pragma once

#include <string>

#include "app/commands/ports.h"
#include "app/commands/ports/snapshot.h"
#include "app/table.h"

namespace polyport {

struct PortsLook {
  std::size_t width = 0;  // columns of the terminal; 0: none, nothing is cut
  Paint paint = Paint::kPlain;
};

// Tables, then notes on what the marks mean and on what cannot be seen from here.
std::string ports_text(const Snapshot& snapshot, const PortsOptions& options,
                       const PortsLook& look);

}  // namespace polyport
