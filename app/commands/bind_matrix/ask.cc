#include "app/commands/bind_matrix/ask.h"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "app/commands/bind_matrix/render.h"
#include "app/commands/connect/console.h"
#include "app/commands/connect/interrupt.h"
#include "core/base/layout.h"
#include "core/base/text.h"

namespace polyport::bind_matrix {
namespace {

constexpr int kInput = 0;
constexpr std::size_t kMostInput = 64 * 1024;

// --- on a terminal -------------------------------------------------------------------------------

// Keys come one by one and are not echoed while one lives.
class KeyByKey {
 public:
  KeyByKey() {
    changed_ = ::tcgetattr(kInput, &before_) == 0;
    if (!changed_) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(kInput, TCSADRAIN, &now);
  }
  ~KeyByKey() {
    if (changed_) ::tcsetattr(kInput, TCSADRAIN, &before_);
  }
  KeyByKey(const KeyByKey&) = delete;
  KeyByKey& operator=(const KeyByKey&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

class Dialogue {
 public:
  explicit Dialogue(const Matrix& matrix) : matrix_(matrix) {}

  // Nothing after Ctrl-C, or where the terminal is gone.
  std::optional<std::vector<Guess>> ask() {
    say(
        paragraph("Two TCP listeners want one port. The first has it on the address of the row. "
                  "May the second listen on that of the column? o: ok, x: in use. Backspace takes "
                  "a cell back, Enter ends a row."));
    say("\n" + column_heads(matrix_));
    std::vector<Guess> all;
    for (const Place* first : matrix_.places) {
      const auto row = ask_row(*first);
      if (!row) {
        say("\n");
        return std::nullopt;
      }
      all.insert(all.end(), row->begin(), row->end());
    }
    say("\n");
    return all;
  }

 private:
  std::optional<std::vector<Guess>> ask_row(const Place& first) {
    say(row_head(first));
    std::vector<Guess> row;
    while (true) {
      const auto key = next_key();
      if (!key) return std::nullopt;
      constexpr char kBackspace = '\b';
      constexpr char kDelete = '\x7f';
      if (*key == '\n' && row.size() == matrix_.places.size()) {
        say("\n");
        return row;
      }
      if ((*key == kBackspace || *key == kDelete) && !row.empty()) {
        row.pop_back();
        const std::size_t width = in_column(matrix_, row.size(), "").size();
        say(std::string(width, '\b') + std::string(width, ' ') + std::string(width, '\b'));
      }
      const auto guess = guess_of(*key);
      if (!guess || row.size() == matrix_.places.size()) continue;
      say(in_column(matrix_, row.size(), std::string(name(*guess))));
      row.push_back(*guess);
    }
  }

  std::optional<char> next_key() {
    while (true) {
      pollfd waiting[] = {{kInput, POLLIN, 0}, {interrupt_.descriptor(), POLLIN, 0}};
      if (::poll(waiting, 2, -1) < 0) {
        if (errno == EINTR) continue;
        return std::nullopt;
      }
      if (waiting[1].revents != 0) return std::nullopt;
      char key = 0;
      const ssize_t got = ::read(kInput, &key, 1);
      if (got == 1) return key;
      if (got == 0 || (errno != EINTR && errno != EAGAIN)) return std::nullopt;
    }
  }

  const Matrix& matrix_;
  const Interrupt interrupt_;
  const KeyByKey keys_;
};

// --- from a pipe ---------------------------------------------------------------------------------

Result<std::string> read_input() {
  std::string text;
  while (text.size() <= kMostInput) {
    char buffer[4096];
    const ssize_t got = ::read(kInput, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (errno != EINTR) {
      return failure(ErrorCode::kSystem, std::string("cannot be read: ") + std::strerror(errno),
                     "standard input");
    }
  }
  return failure(ErrorCode::kBadValue, "more than 64 KiB is no table", "standard input");
}

Result<std::vector<Guess>> read_rows(const Matrix& matrix) {
  const auto input = read_input();
  if (!input) return tl::unexpected(input.error());
  const std::size_t size = matrix.places.size();
  std::vector<Guess> all;
  std::size_t rows = 0;
  for (const std::string_view line : split(*input, '\n')) {
    if (trim(line).empty()) continue;
    if (++rows > size) break;
    auto row = read_row(line, size);
    if (!row) {
      row.error().where =
          "row " + std::to_string(rows) + " (" + std::string(matrix.places[rows - 1]->name) + ")";
      return tl::unexpected(std::move(row.error()));
    }
    all.insert(all.end(), row->begin(), row->end());
  }
  if (rows == size) return all;
  return failure(ErrorCode::kBadValue,
                 (rows > size ? "more than " + std::to_string(size) : std::to_string(rows)) +
                     (rows == 1 ? " row was" : " rows were") + " given, the table has " +
                     std::to_string(size),
                 "standard input", "one line a row, one letter a cell: o or x");
}

}  // namespace

Result<std::vector<Guess>> ask(const Matrix& matrix) {
  if (!Input::is_terminal()) return read_rows(matrix);
  return Dialogue(matrix).ask().value_or(std::vector<Guess>());
}

}  // namespace polyport::bind_matrix
