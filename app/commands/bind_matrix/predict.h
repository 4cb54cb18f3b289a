// Predict: what somebody thought the kernel would answer, held against what it did answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/bind_matrix/matrix.h"
#include "core/base/result.h"

namespace polyport::bind_matrix {

enum class Guess : std::uint8_t { kOk, kInUse };
std::string_view name(Guess guess);  // "ok", "in use": as a cell's word
// o and y are ok, x and n are in use, in either case; nothing for any other letter.
std::optional<Guess> guess_of(char letter);

// One row as a line of exactly `cells` letters; blanks and commas between them do not count.
Result<std::vector<Guess>> read_row(std::string_view line, std::size_t cells);

struct Score {
  std::vector<Guess> guesses;      // as the cells of the table, row by row
  std::vector<std::size_t> wrong;  // indices of cells
  std::size_t right() const { return guesses.size() - wrong.size(); }
};
// `guesses` has as many entries as the table has cells.
Score score(const Table& table, std::vector<Guess> guesses);

// "31 of 36 right.", then each wrong cell with what the kernel answered and why.
std::string score_text(const Table& table, const Score& score);

}  // namespace polyport::bind_matrix
