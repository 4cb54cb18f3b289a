// UTF-8 as it arrives: the verdict is that of the whole, at the first byte that decides it.
#include "core/base/utf8_check.h"
#include "core/base/text.h"
#include "tests/support/catch.h"

using namespace polyport;

namespace {

// How many bytes are taken before the check says no; all of them where it never does.
std::size_t taken(Bytes bytes) {
  Utf8Check check;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!check.feed(bytes.substr(i, 1))) return i;
  }
  return bytes.size();
}

bool valid(Bytes bytes) {
  Utf8Check check;
  return check.feed(bytes) && check.complete();
}

}  // namespace

TEST_CASE("UTF-8 in pieces: every sequence of up to four bytes is judged as the whole is") {
  // The bytes at the edges of each class, in every combination.
  const std::string edges =
      "\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5"
      "\xff";
  std::string bytes(4, '\0');
  bool same = true;
  for (const char a : edges) {
    for (const char b : edges) {
      for (const char c : edges) {
        for (const char d : edges) {
          bytes = {a, b, c, d};
          for (std::size_t size = 1; size <= 4; ++size) {
            const Bytes part = Bytes(bytes).substr(0, size);
            Utf8Check split;
            const bool in_pieces =
                split.feed(part.substr(0, 1)) && split.feed(part.substr(1)) && split.complete();
            same = same && valid(part) == is_utf8(part) && in_pieces == is_utf8(part);
          }
        }
      }
    }
  }
  CHECK(same);
}

TEST_CASE("UTF-8: the first byte that cannot be is refused, not a later one") {
  CHECK(taken("abc\xff") == 3);
  CHECK(taken("\xc0\xaf") == 0);          // overlong slash
  CHECK(taken("\xe0\x80\xaf") == 1);      // overlong in three
  CHECK(taken("\xed\xa0\x80") == 1);      // a surrogate
  CHECK(taken("\xf4\x90\x80\x80") == 1);  // U+110000
  CHECK(taken("\xf0\x8f\xbf\xbf") == 1);  // overlong in four
  CHECK(taken("\xf5\x80") == 0);
  CHECK(taken("\xe2\x82\x41") == 2);
  CHECK(taken("\x80") == 0);
  CHECK(taken("\xf4\x8f\xbf\xbf") == 4);  // U+10FFFF
  CHECK(taken("\xee\x80\x80\xef\xbf\xbf") == 6);
}

TEST_CASE("UTF-8: a character may be cut anywhere, but not at the end") {
  const std::string text =
      "\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80 and sixteen more ASCII bytes \xc3\xa9";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Check check;
    CHECK(check.feed(Bytes(text).substr(0, cut)));
    CHECK(check.complete() == is_utf8(Bytes(text).substr(0, cut)));
    CHECK(check.feed(Bytes(text).substr(cut)));
    CHECK(check.complete());
  }
  CHECK(sizeof(Utf8Check) == 4);
}

TEST_CASE("UTF-8: wrong stays wrong until it is reset") {
  Utf8Check check;
  CHECK_FALSE(check.feed("\xff"));
  CHECK_FALSE(check.feed("fine"));
  CHECK_FALSE(check.complete());
  check.reset();
  CHECK(check.feed("fine"));
  CHECK(check.complete());
}
