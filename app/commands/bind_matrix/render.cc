#include "app/commands/bind_matrix/render.h"

#include <algorithm>
#include <array>

#include "core/base/json_writer.h"
#include "core/base/layout.h"

namespace polyport::bind_matrix {
namespace {

constexpr std::size_t kRowHead = 15;
constexpr std::size_t kCellGap = 2;
constexpr std::size_t kNarrowest = 8 + kCellGap;  // "in use 1"
constexpr std::size_t kLegend = 10;

constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kNormal = "\x1b[0m";

std::string shared_by(Sharing sharing) {
  switch (sharing) {
    case Sharing::kReuseAddress:
      return ", SO_REUSEADDR on both";
    case Sharing::kReusePort:
      return ", SO_REUSEPORT on both";
    case Sharing::kNone:
      break;
  }
  return "";
}

std::string title(const Setting& setting) {
  const std::string shared = shared_by(setting.sharing);
  if (setting.transport == Transport::kUdp) return "Two UDP sockets" + shared;
  if (setting.first == First::kListening) return "Two TCP listeners" + shared;
  return "TCP, the first bound and not listening" + shared;
}

// What a word of the cells stands for.
std::string_view meaning(const Answer& answer) {
  switch (answer.step) {
    case Step::kBind:
      return "bind() of the second answered EADDRINUSE";
    case Step::kListen:
      return "bind() of the second was allowed, its listen() answered EADDRINUSE";
    case Step::kFirstListens:
      return "the second may listen; then listen() of the first answered EADDRINUSE";
    case Step::kNone:
      break;
  }
  return "every call was allowed";
}

// Kinds of cells, numbered as they come; kinds that the rules do not explain have no number.
class Kinds {
 public:
  std::size_t number(const Reading& reading) {
    if (reading.kind == Reading::Kind::kUnexplained) return 0;
    const auto found = std::find(sentences_.begin(), sentences_.end(), reading.sentence);
    if (found == sentences_.end()) sentences_.push_back(reading.sentence);
    return static_cast<std::size_t>(
        std::find(sentences_.begin(), sentences_.end(), reading.sentence) - sentences_.begin() + 1);
  }
  const std::vector<std::string>& sentences() const { return sentences_; }

 private:
  std::vector<std::string> sentences_;
};

class MatrixText {
 public:
  MatrixText(const Matrix& matrix, Paint paint) : matrix_(matrix), paint_(paint) {}

  std::string text() {
    out_ += paragraph("What " + matrix_.kernel +
                      " answers when two sockets want one port. The "
                      "first is on the address of the row, the second tries that of the column.");
    for (const Table& table : matrix_.tables)
      add_table(table);
    add_words();
    add_kinds();
    add_missing();
    add_unexplained();
    return std::move(out_);
  }

 private:
  void add_table(const Table& table) {
    out_ += "\n" + painted(kBold, title(table.setting)) + "\n" + column_heads(matrix_);
    const std::size_t columns = matrix_.places.size();
    bool bound_alone_refuses = false;
    for (std::size_t i = 0; i < table.cells.size(); ++i) {
      const Cell& cell = table.cells[i];
      const Reading reading = read(table.setting, cell);
      if (i % columns == 0) out_ += row_head(*cell.first);
      add_cell(cell, reading, i % columns);
      note_word(cell.answer);
      bound_alone_refuses |= reading.kind == Reading::Kind::kRefused;
    }
    if (bound_alone_refuses && table.setting.transport == Transport::kTcp &&
        table.setting.first == First::kBound) {
      out_ += paragraph(std::string(sentence(BindRule::kBoundNotListening)) + ".", 2);
    }
  }

  void add_cell(const Cell& cell, const Reading& reading, std::size_t column) {
    const std::size_t number = kinds_.number(reading);
    std::string text = word(cell.answer) + (number == 0 ? " ?" : " " + std::to_string(number));
    const std::size_t used = text.size();
    const bool last = column + 1 == matrix_.places.size();
    const std::string padding = in_column(matrix_, column, text).substr(used);
    out_ += painted(cell.answer.error == 0 ? kGreen : kRed, text) + (last ? "\n" : padding);
  }

  void note_word(const Answer& answer) {
    if (answer.error != 0 && answer.error != EADDRINUSE) return;  // an errno speaks for itself
    const std::string text = word(answer);
    const auto same = [&](const auto& row) { return row.first == text; };
    if (std::none_of(words_.begin(), words_.end(), same)) {
      words_.emplace_back(text, meaning(answer));
    }
  }

  void add_words() {
    out_ += "\n";
    for (const auto& [text, sentence] : words_)
      out_ += hanging("  " + text, std::string(sentence) + ".", kLegend);
  }

  void add_kinds() {
    if (!kinds_.sentences().empty()) out_ += "\n";
    std::size_t number = 0;
    for (const std::string& sentence : kinds_.sentences())
      out_ += hanging("  " + std::to_string(++number), sentence + ".", kLegend);
  }

  void add_missing() {
    std::string ipv6;
    std::string why;
    for (const Missing& missing : matrix_.missing) {
      const std::string name(missing.place->name);
      const std::string answer =
          missing.error == 0 ? "" : "bind() to " + name + " answers " + error_name(missing.error);
      if (missing.place->address.family == Family::kIPv6) {
        ipv6 += (ipv6.empty() ? "" : ", ") + name;
        if (!answer.empty()) why = " (" + answer + ")";
      } else {
        out_ += "\n" + paragraph(answer + ": its row and column are missing.");
      }
    }
    if (!ipv6.empty()) {
      out_ += "\n" + paragraph("IPv6 is off on this machine" + why +
                               ", so these rows and columns are missing: " + ipv6 + ".");
    }
  }

  void add_unexplained() {
    const std::size_t count = count_unexplained(matrix_);
    if (count == 0) return;
    out_ += "\n" + paragraph(std::to_string(count) + (count == 1 ? " answer" : " answers") +
                             " of this kernel, marked ?, " + (count == 1 ? "is" : "are") +
                             " not what the rules of polyport say:");
    for (const Table& table : matrix_.tables) {
      for (const Cell& cell : table.cells) {
        const Reading reading = read(table.setting, cell);
        if (reading.kind != Reading::Kind::kUnexplained) continue;
        out_ += paragraph(title(table.setting) + ", " + std::string(cell.first->name) + " first, " +
                              std::string(cell.second->name) + " second: " + reading.sentence + ".",
                          2);
      }
    }
  }

  std::string painted(std::string_view code, const std::string& text) const {
    if (paint_ == Paint::kPlain) return text;
    return std::string(code) + text + std::string(kNormal);
  }

  const Matrix& matrix_;
  const Paint paint_;
  Kinds kinds_;
  std::vector<std::pair<std::string, std::string_view>> words_;
  std::string out_;
};

void write_cell(JsonWriter& json, const Table& table, std::size_t index, const Score* score) {
  const Cell& cell = table.cells[index];
  const Reading reading = read(table.setting, cell);
  json.begin_object();
  json.field("first", cell.first->name);
  json.field("second", cell.second->name);
  json.field("allowed", cell.answer.error == 0);
  json.key("step");
  cell.answer.error == 0 ? json.value(nullptr) : json.value(name(cell.answer.step));
  json.key("error");
  cell.answer.error == 0 ? json.value(nullptr) : json.value(error_name(cell.answer.error));
  json.field("rule", name(reading.rule));
  json.field("text", reading.sentence);
  json.field("as_the_rules_say", reading.kind != Reading::Kind::kUnexplained);
  if (score != nullptr) {
    json.field("predicted_allowed", score->guesses[index] == Guess::kOk);
    json.field("right",
               std::find(score->wrong.begin(), score->wrong.end(), index) == score->wrong.end());
  }
  json.end_object();
}

void write_table(JsonWriter& json, const Table& table, const Score* score) {
  json.begin_object();
  json.field("transport", name(table.setting.transport));
  json.field("first", name(table.setting.first));
  json.field("option", name(table.setting.sharing));
  json.key("cells");
  json.begin_array();
  for (std::size_t i = 0; i < table.cells.size(); ++i)
    write_cell(json, table, i, score);
  json.end_array();
  json.end_object();
}

void write_places(JsonWriter& json, const Matrix& matrix) {
  json.key("addresses");
  json.begin_array();
  for (const Place* place : matrix.places)
    json.value(place->name);
  json.end_array();
  json.key("missing");
  json.begin_array();
  for (const Missing& missing : matrix.missing) {
    json.begin_object();
    json.field("address", missing.place->name);
    json.key("error");
    missing.error == 0 ? json.value(nullptr) : json.value(error_name(missing.error));
    json.end_object();
  }
  json.end_array();
}

std::size_t column_width(const Place& place) {
  return std::max(place.name.size() + kCellGap, kNarrowest);
}

}  // namespace

std::string in_column(const Matrix& matrix, std::size_t column, std::string text) {
  const std::size_t width = column_width(*matrix.places[column]);
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string row_head(const Place& first) {
  std::string text = "  " + std::string(first.name);
  text.resize(kRowHead, ' ');
  return text;
}

std::string column_heads(const Matrix& matrix) {
  std::string line(kRowHead, ' ');
  for (std::size_t i = 0; i < matrix.places.size(); ++i)
    line += in_column(matrix, i, std::string(matrix.places[i]->name));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string matrix_text(const Matrix& matrix, Paint paint) {
  return MatrixText(matrix, paint).text();
}

std::string matrix_json(const Matrix& matrix, const Score* score) {
  std::string text;
  JsonWriter json(text, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("schema", 1);
  json.field("kernel", matrix.kernel);
  write_places(json, matrix);
  json.key("tables");
  json.begin_array();
  for (const Table& table : matrix.tables)
    write_table(json, table, &table == &matrix.tables.front() ? score : nullptr);
  json.end_array();
  json.field("unexplained", count_unexplained(matrix));
  if (score != nullptr) {
    json.key("score");
    json.begin_object();
    json.field("right", score->right());
    json.field("of", score->guesses.size());
    json.end_object();
  }
  json.end_object();
  return text + "\n";
}

std::size_t count_unexplained(const Matrix& matrix) {
  std::size_t count = 0;
  for (const Table& table : matrix.tables) {
    count += static_cast<std::size_t>(
        std::count_if(table.cells.begin(), table.cells.end(), [&](const Cell& cell) {
          return read(table.setting, cell).kind == Reading::Kind::kUnexplained;
        }));
  }
  return count;
}

}  // namespace polyport::bind_matrix
