// lock_holder: who holds a lock on a file, for the message that it cannot be had.
#pragma once

#include <string>

namespace polyport::services::chat {

// "process 4711 (polyport)", "another chat of this polyport"; empty where the kernel does not tell
// (/proc/locks: a process of another container, a file system with device numbers of its own).
// Never opens the file: closing it again would drop this process's own locks on it.
std::string holder_of(const std::string& path);

}  // namespace polyport::services::chat
