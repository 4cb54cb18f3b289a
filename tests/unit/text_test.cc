// Text helpers: splitting, strict numbers, UTF-8, the printable form of hostile bytes,
// did-you-mean.
#include "core/base/text.h"

#include "tests/support/catch.h"

using namespace polyport;
using namespace std::string_view_literals;

TEST_CASE("trim takes ASCII white space off both ends") {
  CHECK(trim(" \t a b\r\n") == "a b");
  CHECK(trim("a") == "a");
  CHECK(trim(" \n ").empty());
  CHECK(trim("").empty());
}

TEST_CASE("split keeps the empty parts") {
  CHECK(split("a,,b", ',') == std::vector{"a"sv, ""sv, "b"sv});
  CHECK(split("", ',') == std::vector{""sv});
  CHECK(split("a,", ',') == std::vector{"a"sv, ""sv});
}

TEST_CASE("letter case is an ASCII matter") {
  CHECK(to_lower("KeEp-\xC3\x84") == "keep-\xC3\x84");
  CHECK(equals_ignoring_case("Close", "cLOSE"));
  CHECK_FALSE(equals_ignoring_case("close", "closed"));
  CHECK_FALSE(equals_ignoring_case("[", "{"));
}

TEST_CASE("a number is the whole text and within its bounds") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("-12") == -12);
  CHECK(parse_number("9223372036854775807") == 9223372036854775807);
  CHECK(parse_number<std::uint16_t>("65535") == 65535);
  CHECK(parse_number("7", std::int64_t{1}, std::int64_t{7}) == 7);
  for (const auto text :
       {"", " 1", "1 ", "+1", "1x", "0x10", "1.0", "9223372036854775808", "--1"}) {
    INFO(text);
    CHECK_FALSE(parse_number(text));
  }
  CHECK_FALSE(parse_number<std::uint16_t>("65536"));
  CHECK_FALSE(parse_number<std::uint16_t>("-1"));
  CHECK_FALSE(parse_number("8", std::int64_t{1}, std::int64_t{7}));
  CHECK_FALSE(parse_number("0", std::int64_t{1}, std::int64_t{7}));
}

TEST_CASE("UTF-8 is what RFC 3629 allows and nothing else") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("a\0z"sv));
  CHECK(
      is_utf8("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xF0\x90\x80\x80 "
              "\xF4\x8F\xBF\xBF"));
  for (const auto bad : {"\x80", "\xC1\xBF", "\xC2", "\xC2z", "\xE0\x9F\xBF", "\xED\xA0\x80",
                         "\xE2\x82", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                         "\xF0\x9F\x90", "\xFE", "\xFF"}) {
    INFO(printable(bad));
    CHECK_FALSE(is_utf8(bad));
  }
  CHECK(utf8_length("\xF0\x9F\x90\x99", 0) == 4);
  CHECK(utf8_length("x\xE2\x82\xAC", 1) == 3);
}

TEST_CASE("control characters are taken out of what others will see") {
  CHECK(without_controls("a\tb\x1b[31mc\x07\r\n") == "a\tb[31mc");
  CHECK(without_controls("\x7f\xC2\x9B z") == " z");
  CHECK(without_controls("\xE2\x80\xAE evil \xE2\x81\xA6") == " evil ");
  CHECK(without_controls("gr\xC3\xBC\xC3\x9F") == "gr\xC3\xBC\xC3\x9F");
  CHECK(without_controls("\xFFz") == "\xEF\xBF\xBDz");
}

TEST_CASE("hostile bytes are shown, not sent, to a terminal") {
  CHECK(printable("a\r\n\t\x1b[0m\0"sv) == R"(a\r\n\t\x1b[0m\x00)");
  CHECK(printable("\xFF\xC3\xBC\x7f") == "\\xff\xC3\xBC\\x7f");
  CHECK(printable("\xE2\x80\xAE") == R"(\u202e)");
  CHECK(printable("\xC2\x9B") == R"(\u009b)");
  CHECK(printable(R"(back\slash "q")") == R"(back\\slash "q")");
  CHECK(quoted(R"(say "hi")") == R"("say \"hi\"")");
}

TEST_CASE("a word is written so that a shell reads the same word") {
  CHECK(shell_word("my.toml") == "my.toml");
  CHECK(shell_word("echo:[::1]:80") == "'echo:[::1]:80'");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("my dir/s.toml") == "'my dir/s.toml'");
  CHECK(shell_word("it's") == R"('it'\''s')");
  CHECK(shell_word(R"(a\b)") == R"('a\b')");
  CHECK(shell_word("$(x)") == "'$(x)'");
  CHECK(shell_word("gr\xC3\xBC\xC3\x9F") == "'gr\xC3\xBC\xC3\x9F'");
  CHECK(shell_word("it's\n\x1b") == R"($'it\'s\n\x1b')");
  CHECK(shell_word("\xE2\x80\xAE\xFF\t") == R"($'\u202e\xff\t')");
}

TEST_CASE("long bytes are cut, never inside a character") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdef", 3) == "abc...");
  CHECK(printable("ab\xE2\x82\xAC", 4) == "ab...");
  CHECK(printable("\xFF\xFF\xFF", 1) == "\\xff...");
  CHECK(printable("\x80\x80\x80\x80\x80\x80", 5).ends_with("..."));
  CHECK(quoted("abcdef", 3) == "\"abc...\"");
}

TEST_CASE("the nearest name is found as people mistype") {
  constexpr std::array kNames{"listen"sv, "backlog"sv, "idle_timeout"sv, "enabled"sv, "type"sv};
  CHECK(nearest_name("lsiten", kNames) == "listen");   // swapped
  CHECK(nearest_name("lissten", kNames) == "listen");  // one more
  CHECK(nearest_name("liten", kNames) == "listen");    // one less
  CHECK(nearest_name("Listen", kNames) == "listen");   // another case
  CHECK(nearest_name("idle-timeout", kNames) == "idle_timeout");
  CHECK(nearest_name("tpye", kNames) == "type");
  CHECK(nearest_name("idle", kNames) == "idle_timeout");  // begins so
  CHECK(nearest_name("type_of", kNames) == "type");
  // As near by spelling as "max", but with more of it in common.
  CHECK(nearest_name("max_per_ip", std::array{"max_a"sv, "max_per_a"sv}) == "max_per_a");
  CHECK(did_you_mean("lsiten", kNames) == R"(did you mean "listen"?)");
}

TEST_CASE("no name is offered where none is near") {
  constexpr std::array kNames{"listen"sv, "ctime"sv, "iso8601"sv, "max_a"sv, "max_b"sv};
  CHECK(nearest_name("colour", kNames).empty());
  CHECK(nearest_name("", kNames).empty());
  CHECK(nearest_name("max", kNames).empty());  // two begin so
  CHECK(nearest_name("x", std::array{"y"sv}).empty());
  CHECK(nearest_name(std::string(1000, 'a'), kNames).empty());
  CHECK(did_you_mean("colour", kNames).empty());
}

TEST_CASE("the first character beyond ASCII is found whole") {
  using polyport::first_beyond_ascii;
  CHECK(first_beyond_ascii("plain").empty());
  CHECK(first_beyond_ascii("").empty());
  CHECK(first_beyond_ascii("a\u00FCb\u20AC") == "\u00FC");
  CHECK(first_beyond_ascii("a\xFF\u20AC") == "\xFF");
  CHECK(first_beyond_ascii("\xE2\x82") == "\xE2");
}
