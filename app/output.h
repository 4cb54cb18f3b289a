// Output: what a command answers, written to standard output whole or with a word about why not.
#pragma once

#include <string_view>

namespace polyport {

// Writes all of it, however slowly it is read: on a descriptor that does not block it waits. False
// where it cannot be written; errno says why.
bool write_output(std::string_view text);

// For an answer that could not be written: says why not on standard error (errno), but for a reader
// that has seen enough ("| head"). Returns kExitFailed.
int unwritten();

// Writes a command's answer. Returns `exit_code`, or kExitFailed where it could not be written.
int answer(std::string_view text, int exit_code);

}  // namespace polyport
