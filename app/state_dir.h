// The state directory: where services keep what must survive a restart.
//
// Nothing is created here: what a run keeps (the development CA, in tls/) makes the folder when it
// is needed, with mode 0700, and a first try without that leaves no trace. A place that cannot be
// written is no reason to stop, only to say so once.
#pragma once

#include <string>

#include "core/base/result.h"

namespace polyport {

// `configured` ([server] state_dir) where it is not empty, else $STATE_DIRECTORY (systemd), else
// $XDG_STATE_HOME/polyport, else $HOME/.local/state/polyport. Empty where the environment tells no
// place.
std::string state_dir_path(const std::string& configured);

// Whether files could be kept there: it, or the nearest directory above it that exists, can be
// written. Creates nothing.
Result<void> check_state_dir(const std::string& path);

}  // namespace polyport
