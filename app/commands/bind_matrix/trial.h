// Trial: two sockets, one port, and what this kernel answers.
#pragma once

#include <span>

#include "app/commands/bind_matrix/matrix.h"
#include "core/base/result.h"

namespace polyport::bind_matrix {

// Tries every pair of every setting and closes all sockets again. An address that this machine does
// not have is left out and said to be missing. Another program's socket is no answer to the
// question: a refusal counts only where each of the two gets the port when it is alone, and an
// answer that the rules do not expect only when it is given on several ports. An error where the
// question could not be asked (no descriptors, no free ports).
Result<Matrix> try_all(std::span<const Setting> settings);

}  // namespace polyport::bind_matrix
