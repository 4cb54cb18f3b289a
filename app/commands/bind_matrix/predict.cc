#include "app/commands/bind_matrix/predict.h"

#include <cctype>
#include <utility>

#include "core/base/assert.h"
#include "core/base/layout.h"
#include "core/base/text.h"

namespace polyport::bind_matrix {
namespace {

constexpr std::size_t kLongestLine = 1000;

Guess answer_of(const Cell& cell) {
  return cell.answer.error == 0 ? Guess::kOk : Guess::kInUse;
}

}  // namespace

std::string_view name(Guess guess) {
  return guess == Guess::kOk ? "ok" : "in use";
}

std::optional<Guess> guess_of(char letter) {
  switch (letter) {
    case 'o':
    case 'O':
    case 'y':
    case 'Y':
      return Guess::kOk;
    case 'x':
    case 'X':
    case 'n':
    case 'N':
      return Guess::kInUse;
    default:
      return std::nullopt;
  }
}

Result<std::vector<Guess>> read_row(std::string_view line, std::size_t cells) {
  constexpr std::string_view kHint = "o or y: the second may listen; x or n: the port is in use";
  std::vector<Guess> row;
  for (const char letter : line.substr(0, kLongestLine)) {
    if (letter == ' ' || letter == '\t' || letter == ',' || letter == '\r') continue;
    const auto guess = guess_of(letter);
    if (!guess) {
      return failure(ErrorCode::kBadValue,
                     quoted(std::string_view(&letter, 1)) + " is none of o, x, y and n", {},
                     std::string(kHint));
    }
    row.push_back(*guess);
  }
  if (row.size() == cells && line.size() <= kLongestLine) return row;
  return failure(
      ErrorCode::kBadValue,
      std::to_string(row.size()) + " cells were given, the row has " + std::to_string(cells), {},
      std::string(kHint));
}

Score score(const Table& table, std::vector<Guess> guesses) {
  POLYPORT_ASSERT(guesses.size() == table.cells.size());
  Score result{std::move(guesses), {}};
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    if (answer_of(table.cells[i]) != result.guesses[i]) result.wrong.push_back(i);
  }
  return result;
}

std::string score_text(const Table& table, const Score& score) {
  std::string text =
      std::to_string(score.right()) + " of " + std::to_string(table.cells.size()) + " right.\n";
  for (const std::size_t index : score.wrong) {
    const Cell& cell = table.cells[index];
    const std::string answer =
        cell.answer.error == 0 ? "allowed it" : "answered " + word(cell.answer);
    text +=
        "\n" + paragraph(std::string(cell.first->name) + " first, then " +
                         std::string(cell.second->name) + ": you said " +
                         std::string(name(score.guesses[index])) + ", the kernel " + answer + ".");
    text += paragraph(read(table.setting, cell).sentence + ".", 2);
  }
  return text;
}

}  // namespace polyport::bind_matrix
