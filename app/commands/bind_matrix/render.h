// Render: the answers of bind-matrix as text of 80 columns and as JSON.
#pragma once

#include <string>

#include "app/commands/bind_matrix/matrix.h"
#include "app/commands/bind_matrix/predict.h"
#include "app/table.h"

namespace polyport::bind_matrix {

// The tables, then what each kind of cell means, then what is missing, then where the kernel does
// not keep to the rules.
std::string matrix_text(const Matrix& matrix, Paint paint);

// The line above a table's rows, and a row's first column: predict asks in the same columns.
std::string column_heads(const Matrix& matrix);
std::string row_head(const Place& first);
// A cell's text filled up to the width of its column.
std::string in_column(const Matrix& matrix, std::size_t column, std::string text);

// One object and a newline. `score` may be null; it is of the first table.
std::string matrix_json(const Matrix& matrix, const Score* score);

// Cells whose answer the rules do not explain.
std::size_t count_unexplained(const Matrix& matrix);

}  // namespace polyport::bind_matrix
