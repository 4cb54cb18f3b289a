// The file of a unix socket, and whether anybody has the socket it belongs to.
//
// A file outlives its process, and only the kernel knows whose it is: connecting finds who listens,
// its table also who has bound the socket and does not listen (yet). That table is one network
// namespace's, files are everybody's: one that is only bound in another namespace is not seen.
#pragma once

#include <string>

struct stat;

namespace polyport {

struct KernelSocket;

// Whether it is the unix socket that was bound to the file at `path`, whatever it was called then.
// False where the table does not tell files (KernelSocket::file_inode).
bool is_bound_to(const KernelSocket& socket, const std::string& path, const struct stat& file);

// Asks for a path at which a socket lies: 0 where nobody has it, so that it may be removed;
// EADDRINUSE where somebody has, or where the kernel does not tell; the errno where no socket could
// be opened to ask with. Whoever listens there sees a connection come and go. Blocks, for a moment.
int look_for_holder(const std::string& path);

}  // namespace polyport
