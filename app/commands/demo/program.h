// The program itself, run by a demo: what is shown of it is what it does.
#pragma once

#include <string_view>

#include "app/commands/demo/lab.h"

namespace polyport::demo {

// `configuration` has less than 4 KiB.
Program start_program(std::string_view configuration, milliseconds wait);
// SIGTERM, as a person would; returns when it is gone.
void stop_program(int id);

}  // namespace polyport::demo
