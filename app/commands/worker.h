// polyport worker: one of the processes that serve, started by `polyport run` and by nobody else.
//
// It is told everything over a channel: the configuration as it was read at the start, its number,
// and its sockets. It opens no port, and it never outlives the process that started it.
#pragma once

namespace polyport {

struct WorkerOptions {};

int run_command(const WorkerOptions& options);

}  // namespace polyport
