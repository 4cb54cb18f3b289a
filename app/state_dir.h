// The state directory: where services keep what must survive a restart.
//
// Nothing is created before somebody asks, so that a first try of the program leaves no trace; a
// place that cannot be written is no reason to stop, only to say so once.
#pragma once

#include <string>

#include "core/base/result.h"

namespace polyport {

// `configured` ([server] state_dir) where it is not empty, else $STATE_DIRECTORY (systemd), else
// $XDG_STATE_HOME/polyport, else $HOME/.local/state/polyport. Empty where the environment tells no
// place.
std::string state_dir_path(const std::string& configured);

// Makes the directory, and those above it, with mode 0700. Fails where it cannot be made or
// written.
Result<void> make_state_dir(const std::string& path);

}  // namespace polyport
