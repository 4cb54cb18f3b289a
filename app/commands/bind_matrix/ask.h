// Ask: takes the user's predictions, key by key on a terminal, else as lines of standard input.
#pragma once

#include <vector>

#include "app/commands/bind_matrix/matrix.h"
#include "app/commands/bind_matrix/predict.h"
#include "core/base/result.h"

namespace polyport::bind_matrix {

// One guess for each pair of `matrix.places`, row by row. On a terminal a person is asked on
// standard error; an empty list is Ctrl-C. The terminal is left as it was found. From a pipe or a
// file: one line a row, lines with nothing in them do not count; the error names the row.
Result<std::vector<Guess>> ask(const Matrix& matrix);

}  // namespace polyport::bind_matrix
