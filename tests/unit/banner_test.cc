// The words of the protocols that banner greets with.
#include "services/banner/dialect.h"
#include "tests/support/catch.h"

namespace banner = polyport::services::banner;

namespace {
banner::Answer answer(std::string_view style, std::string_view line, bool enough = false) {
  return banner::dialect(style).answer(line, enough);
}
bool starts(std::string_view text, std::string_view with) {
  return text.starts_with(with);
}
}  // namespace

TEST_CASE("banner greets first, one line, in the words of the protocol", "[services]") {
  CHECK(starts(banner::dialect("smtp").greeting, "220 "));
  CHECK(starts(banner::dialect("ftp").greeting, "220 "));
  CHECK(starts(banner::dialect("imap").greeting, "* OK "));
  CHECK(starts(banner::dialect("pop3").greeting, "+OK "));
  CHECK(starts(banner::dialect("ssh").greeting, "SSH-2.0-"));
  for (const auto* style : {"smtp", "ftp", "imap", "pop3", "ssh"}) {
    const std::string greeting(banner::dialect(style).greeting);
    CHECK(greeting.find("\r\n") == greeting.size() - 2);
  }
}

TEST_CASE("banner refuses every command as the protocol does", "[services]") {
  CHECK(starts(answer("smtp", "EHLO me").text, "502 "));
  CHECK(starts(answer("ftp", "USER anonymous").text, "502 "));
  CHECK(starts(answer("imap", "a1 LOGIN x y").text, "a1 BAD "));
  CHECK(starts(answer("pop3", "USER x").text, "-ERR "));
  for (const auto* style : {"smtp", "ftp", "imap", "pop3"})
    CHECK_FALSE(answer(style, "x").ends);
}

TEST_CASE("banner says goodbye and ends", "[services]") {
  CHECK(starts(answer("smtp", "quit").text, "221 "));
  CHECK(starts(answer("ftp", "QUIT").text, "221 "));
  CHECK(answer("imap", "a2 logout").text == "* BYE goodbye\r\na2 OK LOGOUT completed\r\n");
  CHECK(starts(answer("pop3", "Quit").text, "+OK"));
  CHECK(answer("smtp", "QUIT").ends);
  CHECK(answer("ftp", "QUIT").ends);
  CHECK(answer("imap", "a2 LOGOUT").ends);
  CHECK(answer("pop3", "QUIT").ends);
  CHECK(answer("ssh", "SSH-2.0-OpenSSH_9.2").ends);
  CHECK_FALSE(answer("imap", "LOGOUT").ends);  // LOGOUT is the tag here
}

TEST_CASE("banner ends a conversation that is long enough", "[services]") {
  for (const auto* style : {"smtp", "ftp", "imap", "pop3"}) {
    CAPTURE(style);
    CHECK(answer(style, "NOOP", true).ends);
  }
}

TEST_CASE("banner repeats no IMAP tag that is none", "[services]") {
  CHECK(starts(answer("imap", "").text, "* BAD "));
  CHECK(starts(answer("imap", "a\"b NOOP").text, "* BAD "));
  CHECK(starts(answer("imap", "\x1b[2J NOOP").text, "* BAD "));
  CHECK(starts(answer("imap", std::string(33, 'a') + " NOOP").text, "* BAD "));
}
