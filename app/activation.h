// Socket activation: the sockets that a service manager (systemd) has opened for us and passed on,
// as sd_listen_fds(3) describes. Written by hand: it is three variables.
//
// Which listener each is for is core/host/inherited.h's to find out.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "core/host/host.h"

namespace polyport {

// The descriptors that LISTEN_FDS says are ours, with their names. None where LISTEN_PID is another
// process's. They will not reach a program that we start, and the variables are gone afterwards.
Result<std::vector<InheritedSocket>> take_inherited_sockets();

}  // namespace polyport
