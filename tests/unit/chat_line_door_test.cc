// What the line door of the chat makes of bytes, in whatever pieces they come.
#include <string>
#include <utility>
#include <vector>

#include "services/chat/clean.h"
#include "services/chat/line_reader.h"
#include "tests/support/catch.h"

using namespace polyport::services::chat;
using Kind = LineItem::Kind;
using namespace std::string_literals;

namespace {

using Items = std::vector<std::pair<Kind, std::string>>;

Items read(LineReader& reader, std::string_view bytes) {
  Items items;
  while (const auto item = reader.next(bytes))
    items.emplace_back(item->kind, item->text);
  CHECK(bytes.empty());
  return items;
}

// All in one piece must give the same as byte for byte.
Items read(std::string_view bytes, std::uint32_t most = 1024) {
  LineReader whole(most);
  const Items items = read(whole, bytes);
  LineReader in_pieces(most);
  Items again;
  for (const char byte : bytes) {
    for (auto& item : read(in_pieces, std::string_view(&byte, 1)))
      again.push_back(item);
  }
  CHECK(again == items);
  return items;
}

Items line(const std::string& text) {
  return {{Kind::kLine, text}};
}

}  // namespace

TEST_CASE("the line door ends lines at LF and at CR LF", "[chat]") {
  CHECK(read("one\ntwo\r\n\r\n\nthree") ==
        Items{{Kind::kLine, "one"}, {Kind::kLine, "two"}, {Kind::kLine, ""}, {Kind::kLine, ""}});
}

TEST_CASE("the line door takes a line that a FIN ended", "[chat]") {
  LineReader reader(1024);
  CHECK_FALSE(reader.end());
  CHECK(read(reader, "half").empty());
  const auto item = reader.end();
  REQUIRE(item);
  CHECK(item->kind == Kind::kLine);
  CHECK(item->text == "half");
  CHECK_FALSE(reader.end());
}

TEST_CASE("the line door drops control characters", "[chat]") {
  CHECK(read("a\x1b[31mb\a\b\x7f\rc\0d\n"s) == line("a[31mbcd"));
  CHECK(read("a\xc2\x9b"
             "31mb\n") == line("a31mb"));  // C1's CSI
  CHECK(read("a\xe2\x80\xae"
             "b\n") == line("ab"));  // right-to-left override
  CHECK(read("a\tb\n") == line("a b"));
  CHECK(read("  a  \n") == line("a"));
}

TEST_CASE("a chat line that cannot be seen is none, and no character feigns another line",
          "[chat]") {
  for (const char* unseen : {"\xe2\x80\x8b", "\xc2\xa0 \xef\xbb\xbf", "\xe3\x85\xa4", "\xc2\xad",
                             "\xf3\xa0\x81\xa7", "\xe2\x80\xa8"}) {
    CHECK(clean(unseen) == "");
  }
  CHECK(clean("a\xe2\x80\xa8"
              "bob: b\xe2\x80\xa9") == "a bob: b");
  // What joins the parts of a letter or of a picture stays where there is one.
  CHECK(clean("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac") ==
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac");
  CHECK(clean("\xe2\x80\x8b\xd8\xb3") == "\xe2\x80\x8b\xd8\xb3");
}

TEST_CASE("the line door takes UTF-8 and nothing else", "[chat]") {
  CHECK(read("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b\n") ==
        line("gr\xc3\xbc\xc3\x9f \xf0\x9f\x91\x8b"));
  for (const char* bad :
       {"\xc3\n", "a\x80\n", "\xc0\xaf\n", "\xed\xa0\x80\n", "\xf5\x80\x80\x80\n"}) {
    CHECK(read(std::string(bad) + "fine\n") == Items{{Kind::kNotUtf8, ""}, {Kind::kLine, "fine"}});
  }
}

TEST_CASE("the line door takes lines up to its limit", "[chat]") {
  const std::string most(100, 'a');
  CHECK(read(most + "\n", 100) == line(most));
  CHECK(read(most + "\r\n", 100) == line(most));
  CHECK(read(most + "a\nfine\n", 100) == Items{{Kind::kTooLong, ""}, {Kind::kLine, "fine"}});
  CHECK(read(std::string(1'000'000, 'a') + "\nfine\n", 100) ==
        Items{{Kind::kTooLong, ""}, {Kind::kLine, "fine"}});
}

TEST_CASE("the line door takes telnet out and refuses its options", "[chat]") {
  // IAC DO ECHO is refused with WONT, IAC WILL SGA with DONT; WONT and DONT need no answer.
  CHECK(read("a\xff\xfd\x01"
             "b\xff\xfb\x03"
             "c\xff\xfc\x01\xff\xfe\x01"
             "d\n") == Items{{Kind::kTelnetReply, "\xff\xfc\x01"},
                             {Kind::kTelnetReply, "\xff\xfe\x03"},
                             {Kind::kLine, "abcd"}});
  CHECK(read("a\xff\xf4\xff\xf1"
             "b\n") == line("ab"));                       // interrupt, no operation
  CHECK(read("a\xff\xfc\"\xff\xfe\"b\n") == line("ab"));  // LINEMODE's number is a quote
  CHECK(read("a\xff\xff"
             "b\n") == line("ab"));  // an escaped 255
}

TEST_CASE("the line door takes a telnet subnegotiation out", "[chat]") {
  CHECK(read("a\xff\xfa\x18\0xterm\n\xff\xff more\xff\xf0"
             "b\n"s) == line("ab"));
}

TEST_CASE("a telnet subnegotiation that never ends is given up", "[chat]") {
  const Items items = read("\xff\xfa" + std::string(10'000, 'x') + "\nhello\n", 100);
  REQUIRE(items.size() == 2);
  CHECK(items.back() == std::pair(Kind::kLine, "hello"s));
}

TEST_CASE("the line door knows an HTTP client by its first line", "[chat]") {
  CHECK(read("GET / HTTP/1.1\r\n") == Items{{Kind::kHttp, ""}});
  CHECK(read("POST /x?y HTTP/1.0\n") == Items{{Kind::kHttp, ""}});
  CHECK(read("PRI * HTTP/2.0\r\n") == Items{{Kind::kHttp, ""}});
  CHECK(read("hello\nGET / HTTP/1.1\n").back() == std::pair(Kind::kLine, "GET / HTTP/1.1"s));
  CHECK(read("what is HTTP/1.1 about?\n") == line("what is HTTP/1.1 about?"));
  CHECK(read("CONNECT example.org:443 HTTP/1.1\n") == Items{{Kind::kHttp, ""}});
  CHECK(read("long live HTTP/1.1\n") == line("long live HTTP/1.1"));
  CHECK(read("I say: use HTTP/1.1\n") == line("I say: use HTTP/1.1"));
  CHECK(read("I like HTTP/2\n") == line("I like HTTP/2"));
  CHECK(read("HTTP/1.1\n") == line("HTTP/1.1"));
}

TEST_CASE("the line door knows a TLS client by its first byte", "[chat]") {
  LineReader reader(1024);
  CHECK(read(reader, "\x16\x03\x01\x02\x00\x01\n\n"s) == Items{{Kind::kTls, ""}});
  CHECK(read("a\x16\x03"
             "b\n") == line("ab"));
}

TEST_CASE("the line door knows a client of IRC by its first line", "[chat]") {
  CHECK(read("CAP LS 302\r\n") == Items{{Kind::kIrc, ""}});
  CHECK(read("NICK ann\r\n") == Items{{Kind::kIrc, ""}});
  CHECK(read("USER ann 0 * :Ann\r\n") == Items{{Kind::kIrc, ""}});
  CHECK(read("NICK is a nice name\n") == line("NICK is a nice name"));
  CHECK(read("USER error\n") == line("USER error"));
  CHECK(read("hello\nNICK ann\n").back() == std::pair(Kind::kLine, "NICK ann"s));
}

TEST_CASE("words are parted by one space or more", "[chat]") {
  CHECK(split_word("msg  Ann  hello you ").first == "msg");
  CHECK(split_word("msg  Ann  hello you ").rest == "Ann  hello you");
  CHECK(split_word("").first.empty());
  CHECK(split_word("quit").rest.empty());
  CHECK(split_word("me \xe2\x80\x8b").rest.empty());  // a zero-width space: nobody would see it
}
