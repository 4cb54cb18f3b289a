#include "app/commands/bind_matrix.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "app/commands/bind_matrix/ask.h"
#include "app/commands/bind_matrix/render.h"
#include "app/commands/bind_matrix/trial.h"
#include "app/commands/exit_code.h"
#include "app/report.h"
#include "app/terminal.h"

namespace polyport {
namespace {

using namespace bind_matrix;

constexpr int kExitInterrupted = 128 + SIGINT;

int fail(const Error& error) {
  print_findings(stderr, {error});
  return error.code == ErrorCode::kBadValue ? kExitUsage : kExitFailed;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void show(const BindMatrixOptions& options, const Matrix& matrix, const Score* score) {
  if (options.format == BindMatrixOptions::Format::kJson) {
    print(matrix_json(matrix, score));
    return;
  }
  print(matrix_text(matrix, Terminal::paint(STDOUT_FILENO)));
  if (score != nullptr) print("\n" + score_text(matrix.tables.front(), *score));
}

}  // namespace

int run_command(const BindMatrixOptions& options) {
  const std::array two = {two_listeners()};
  const std::vector<Setting> all = all_settings();
  const bool everything = options.extent == BindMatrixOptions::Extent::kAll;
  const auto matrix = everything ? try_all(all) : try_all(two);
  if (!matrix) return fail(matrix.error());
  std::optional<Score> scored;
  if (options.mode == BindMatrixOptions::Mode::kPredict) {
    // The kernel has answered already: asking comes first only on the screen.
    auto guesses = ask(*matrix);
    if (!guesses) return fail(guesses.error());
    if (guesses->empty()) return kExitInterrupted;
    scored = score(matrix->tables.front(), std::move(*guesses));
  }
  show(options, *matrix, scored ? &*scored : nullptr);
  return count_unexplained(*matrix) == 0 ? kExitOk : kExitNo;
}

}  // namespace polyport
