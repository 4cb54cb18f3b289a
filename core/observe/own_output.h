// A descriptor of our own for standard output or error, that does not block where that can be had.
#pragma once

namespace polyport {

// A new descriptor (close-on-exec, above 2) for where `fd` leads, or -1 with errno set. `fd` shares
// its flags with other processes, the shell for one, so they are not touched: a terminal or a pipe
// is opened once more, non-blocking. Where that is refused, and for files and sockets, it is a
// duplicate.
int own_output(int fd);

}  // namespace polyport
