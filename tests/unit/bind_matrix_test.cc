// bind-matrix: what an answer of the kernel is taken for, and what is printed. The kernel itself is
// asked by tests/program/test_bind_matrix.py.
#include <cerrno>
#include <string>

#include "app/commands/bind_matrix/matrix.h"
#include "app/commands/bind_matrix/predict.h"
#include "app/commands/bind_matrix/render.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::bind_matrix;
using Kind = Reading::Kind;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const Place& place(std::string_view name) {
  for (const Place& each : all_places()) {
    if (each.name == name) return each;
  }
  FAIL("no place " << name);
  return all_places().front();
}

constexpr Answer kAllowed{};
constexpr Answer kInUse{Step::kBind, EADDRINUSE};
constexpr Answer kLate{Step::kFirstListens, EADDRINUSE};

Reading reading(const Setting& setting, std::string_view first, std::string_view second,
                Answer answer) {
  return read(setting, {&place(first), &place(second), answer});
}

constexpr Setting kListeners{Transport::kTcp, First::kListening, Sharing::kNone};
constexpr Setting kReuseBound{Transport::kTcp, First::kBound, Sharing::kReuseAddress};
constexpr Setting kReusePort{Transport::kTcp, First::kListening, Sharing::kReusePort};
constexpr Setting kUdpReuse{Transport::kUdp, First::kBound, Sharing::kReuseAddress};

// Two places, one table: what the first row and the second answer.
Matrix small_matrix(std::vector<Answer> answers) {
  Matrix matrix;
  matrix.kernel = "Linux 9.9";
  matrix.places = {&place("0.0.0.0"), &place("[::1]")};
  Table table{kListeners, {}};
  for (std::size_t i = 0; i < answers.size(); ++i)
    table.cells.push_back({matrix.places[i / 2], matrix.places[i % 2], answers[i]});
  matrix.tables.push_back(std::move(table));
  return matrix;
}
const std::vector<Answer> kUsual = {kInUse, kAllowed, kAllowed, kInUse};

}  // namespace

TEST_CASE("a refusal is told by the rule of its addresses") {
  const Reading refused = reading(kListeners, "0.0.0.0", "127.0.0.1", kInUse);
  CHECK(refused.kind == Kind::kRefused);
  CHECK(refused.rule == BindRule::kSpecificUnderWildcard);
  CHECK(refused.sentence == sentence(BindRule::kSpecificUnderWildcard));
  CHECK(reading(kListeners, "[::]", "127.0.0.1", kInUse).rule == BindRule::kIpv4UnderDualStack);
  CHECK(reading(kListeners, "[::] v6only", "[::1]", kInUse).rule ==
        BindRule::kSpecificUnderWildcard);
}

TEST_CASE("what is allowed is told by what the addresses do not share") {
  CHECK(reading(kListeners, "127.0.0.1", "127.0.0.2", kAllowed).kind == Kind::kOtherAddress);
  CHECK(reading(kListeners, "0.0.0.0", "[::] v6only", kAllowed).kind == Kind::kOtherFamily);
  CHECK(reading(kReusePort, "0.0.0.0", "0.0.0.0", kAllowed).kind == Kind::kShared);
  CHECK(reading(kUdpReuse, "0.0.0.0", "0.0.0.0", kAllowed).kind == Kind::kTakenOver);
}

TEST_CASE("with SO_REUSEADDR and none listening the refusal comes late") {
  const Reading late = reading(kReuseBound, "0.0.0.0", "127.0.0.1", kLate);
  CHECK(late.kind == Kind::kBothBound);
  CHECK(late.rule == BindRule::kWildcardOverSpecific);  // now the first is the one that asks
  // The call that refused is part of the answer.
  CHECK(reading(kReuseBound, "0.0.0.0", "127.0.0.1", kInUse).kind == Kind::kUnexplained);
  CHECK(reading(kReuseBound, "0.0.0.0", "127.0.0.1", {Step::kListen, EADDRINUSE}).kind ==
        Kind::kUnexplained);
}

TEST_CASE("an answer that the rules do not expect names no rule") {
  const Reading allowed = reading(kListeners, "0.0.0.0", "127.0.0.1", kAllowed);
  CHECK(allowed.kind == Kind::kUnexplained);
  CHECK(allowed.rule == BindRule::kNone);
  CHECK(has(allowed.sentence, "this kernel allowed it, where the rules expect EADDRINUSE"));
  const Reading refused = reading(kListeners, "127.0.0.1", "[::1]", kInUse);
  CHECK(refused.kind == Kind::kUnexplained);
  CHECK(
      has(refused.sentence, "bind() of the second answered EADDRINUSE, where the rules allow it"));
  const Reading other = reading(kListeners, "0.0.0.0", "0.0.0.0", {Step::kBind, EACCES});
  CHECK(other.kind == Kind::kUnexplained);
  CHECK(has(other.sentence, "answered EACCES"));
}

TEST_CASE("the table shows each answer with the number of its rule") {
  const std::string text = matrix_text(small_matrix(kUsual), Paint::kPlain);
  CHECK(has(text,
            "Two TCP listeners\n"
            "               0.0.0.0   [::1]\n"
            "  0.0.0.0      in use 1  ok 2\n"
            "  [::1]        ok 2      in use 1\n"));
  CHECK(has(text, "  in use  bind() of the second answered EADDRINUSE.\n"));
  CHECK(has(text, "  1       two sockets cannot have one address and one port"));
  CHECK(has(text, "  2       one is for IPv4, the other for IPv6 alone"));
  CHECK(!has(text, "?"));
  CHECK(count_unexplained(small_matrix(kUsual)) == 0);
}

TEST_CASE("no rule is printed that no answer was given for") {
  const std::string text =
      matrix_text(small_matrix({kAllowed, kAllowed, kAllowed, kAllowed}), Paint::kPlain);
  CHECK(has(text, "  0.0.0.0      ok ?      ok 1\n"));
  CHECK(!has(text, "in use"));
  CHECK(has(text, "2 answers of this kernel, marked ?, are not what the rules of polyport say:"));
  CHECK(has(text, "Two TCP listeners, 0.0.0.0 first, 0.0.0.0 second: this kernel allowed it"));
}

TEST_CASE("an address that is not there is missing, not refused") {
  Matrix matrix = small_matrix(kUsual);
  matrix.missing = {{&place("[::]"), 0}, {&place("[::1]"), EADDRNOTAVAIL}};
  std::string text = matrix_text(matrix, Paint::kPlain);
  CHECK(has(text,
            "IPv6 is off on this machine (bind() to [::1] answers EADDRNOTAVAIL), so these\n"
            "rows and columns are missing: [::], [::1].\n"));
  matrix.missing = {{&place("127.0.0.2"), EADDRNOTAVAIL}};
  text = matrix_text(matrix, Paint::kPlain);
  CHECK(has(text, "bind() to 127.0.0.2 answers EADDRNOTAVAIL: its row and column are missing.\n"));
  CHECK(!has(text, "IPv6 is off"));
}

TEST_CASE("colour changes nothing but the colour") {
  const std::string plain = matrix_text(small_matrix(kUsual), Paint::kPlain);
  std::string coloured = matrix_text(small_matrix(kUsual), Paint::kColour);
  CHECK(has(coloured, "\x1b[31min use 1\x1b[0m  \x1b[32mok 2\x1b[0m\n"));
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) - at + 1);
  CHECK(coloured == plain);
}

TEST_CASE("a row of predictions is read strictly") {
  using G = Guess;
  CHECK(read_row("oxYn", 4) == std::vector<G>{G::kOk, G::kInUse, G::kOk, G::kInUse});
  CHECK(read_row(" o, x\to ,X \r", 4) == std::vector<G>{G::kOk, G::kInUse, G::kOk, G::kInUse});
  CHECK(read_row("oxo", 4).error().what == "3 cells were given, the row has 4");
  CHECK(read_row("oxoxo", 4).error().what == "5 cells were given, the row has 4");
  CHECK(read_row("", 4).error().what == "0 cells were given, the row has 4");
  CHECK(read_row("oxoq", 4).error().what == "\"q\" is none of o, x, y and n");
  CHECK(has(read_row("ox\x1b", 3).error().what, R"("\x1b")"));
  CHECK(!read_row(std::string(100'000, 'o'), 4));
  CHECK(!read_row("oxox" + std::string(100'000, ' '), 4));
}

TEST_CASE("the score names each wrong cell with the answer and its rule") {
  using G = Guess;
  const Matrix matrix = small_matrix(kUsual);
  const Table& table = matrix.tables.front();
  const Score all = score(table, {G::kInUse, G::kOk, G::kOk, G::kInUse});
  CHECK(score_text(table, all) == "4 of 4 right.\n");

  const Score half = score(table, {G::kOk, G::kInUse, G::kOk, G::kInUse});
  CHECK(half.wrong == std::vector<std::size_t>{0, 1});
  const std::string text = score_text(table, half);
  CHECK(has(text, "2 of 4 right.\n"));
  CHECK(has(text,
            "0.0.0.0 first, then 0.0.0.0: you said ok, the kernel answered in use.\n"
            "  two sockets cannot have one address and one port"));
  CHECK(has(text,
            "0.0.0.0 first, then [::1]: you said in use, the kernel allowed it.\n"
            "  one is for IPv4, the other for IPv6 alone"));
  // Another answer of the kernel, and the same guess is right.
  const Matrix other = small_matrix({kAllowed, kAllowed, kAllowed, kInUse});
  const Score better = score(other.tables.front(), half.guesses);
  CHECK(better.wrong == std::vector<std::size_t>{1});
}
