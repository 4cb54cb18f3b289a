// Questions about ports: every form in which one may be asked, and a sentence of its own for every
// way to be wrong.
#include "core/ports/port_question.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using namespace polyport;

namespace {

constexpr Transports kTcp = transports(Transport::kTcp);
constexpr Transports kUdp = transports(Transport::kUdp);
constexpr Transports kBoth = kTcp | kUdp;

PortQuestion asked(std::string_view text) {
  INFO(text);
  const auto question = parse_port_question(text);
  if (!question) FAIL(std::string(text) << ": " << question.error().text());
  return *question;
}

struct Wrong {
  std::string text;
  std::string what;
  std::string hint;
};

void check_all(const std::vector<Wrong>& wrongs) {
  for (const Wrong& wrong : wrongs) {
    INFO(wrong.text);
    const auto question = parse_port_question(wrong.text);
    REQUIRE_FALSE(question.has_value());
    CHECK(question.error().code == ErrorCode::kBadValue);
    CHECK(question.error().what == wrong.what);
    CHECK(question.error().hint == wrong.hint);
    CHECK(question.error().where.empty());
  }
}

}  // namespace

TEST_CASE("a port may be asked for in many forms", "[port_question]") {
  struct Form {
    std::string text;
    Transports transports;
    std::string host;
    std::uint16_t port;
  };
  const std::vector<Form> forms = {
      {"80", kBoth, "", 80},
      {"0", kBoth, "", 0},
      {"65535", kBoth, "", 65535},
      {":80", kBoth, "", 80},
      {"tcp:80", kTcp, "", 80},
      {"udp:53", kUdp, "", 53},
      {"UDP:53", kUdp, "", 53},
      {"udp://53", kUdp, "", 53},
      {"53/udp", kUdp, "", 53},
      {"80/TCP", kTcp, "", 80},
      {"udp:53/udp", kUdp, "", 53},
      {"127.0.0.1:80", kBoth, "127.0.0.1", 80},
      {"127.0.0.1:80/tcp", kTcp, "127.0.0.1", 80},
      {"udp:127.0.0.1:53", kUdp, "127.0.0.1", 53},
      {"udp://127.0.0.1:53", kUdp, "127.0.0.1", 53},
      {"tcp://[::1]:80", kTcp, "::1", 80},
      {"[::]:80", kBoth, "::", 80},
      {"[fe80::1%eth0]:80", kBoth, "fe80::1%eth0", 80},
      {"*:80", kBoth, "*", 80},
      {"0.0.0.0:80", kBoth, "0.0.0.0", 80},
      {"localhost:8080", kBoth, "localhost", 8080},
      {"Example.COM:8080", kBoth, "example.com", 8080},
  };
  for (const Form& form : forms) {
    INFO(form.text);
    const PortQuestion question = asked(form.text);
    CHECK(question.transports == form.transports);
    CHECK(question.host == form.host);
    CHECK(question.port == form.port);
    CHECK(question.name.empty());
    CHECK_FALSE(question.is_path());
  }
}

TEST_CASE("a registered name is its number, on the transports it is registered for",
          "[port_question]") {
  struct Form {
    std::string text;
    Transports transports;
    std::uint16_t port;
    std::string name;
  };
  const std::vector<Form> forms = {
      {"http", kBoth, 80, "http"},
      {"HTTP", kBoth, 80, "http"},
      {"ssh", kTcp, 22, "ssh"},
      {"ntp", kUdp, 123, "ntp"},
      {"udp:domain", kUdp, 53, "domain"},
      {"domain/udp", kUdp, 53, "domain"},
      {"tcp:ntp", kTcp, 123, "ntp"},
      {"http-alt", kTcp, 8080, "http-alt"},
      {"127.0.0.1:ssh", kTcp, 22, "ssh"},
      {"[::1]:domain", kBoth, 53, "domain"},
      {"*:https/tcp", kTcp, 443, "https"},
  };
  for (const Form& form : forms) {
    INFO(form.text);
    const PortQuestion question = asked(form.text);
    CHECK(question.transports == form.transports);
    CHECK(question.port == form.port);
    CHECK(question.name == form.name);
  }
  CHECK(asked("127.0.0.1:ssh").host == "127.0.0.1");
}

TEST_CASE("a name that is nobody's is left to the caller", "[port_question]") {
  const PortQuestion question = asked("my-web_1");
  CHECK_FALSE(question.port.has_value());
  CHECK(question.name == "my-web_1");
  CHECK(question.transports == kBoth);
  const Error error = unregistered(question);
  CHECK(error.what == "no port has the name \"my-web_1\"");
  CHECK(error.hint == "ask for its number, for example 8080");
  CHECK(unregistered(asked("htpp")).hint == "did you mean \"http\"?");
}

TEST_CASE("a unix socket is asked for by its path", "[port_question]") {
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"/run/x.sock", "/run/x.sock"},
      {"./x.sock", "./x.sock"},
      {"../x.sock", "../x.sock"},
      {"@echo", "@echo"},
      {"unix:x.sock", "x.sock"},
      {"unix:///run/x.sock", "/run/x.sock"},
      {"/run/my files/x", "/run/my files/x"},
  };
  for (const auto& [text, path] : forms) {
    const PortQuestion question = asked(text);
    CHECK(question.is_path());
    CHECK(question.path == path);
    CHECK(question.transports == transports(Transport::kUnix));
    CHECK_FALSE(question.port.has_value());
  }
}

TEST_CASE("a question that is none says why", "[port_question]") {
  const std::string example = "ask for a port: 8080, udp:53, http or 127.0.0.1:80";
  const std::string bounds = "ports are 0 to 65535";
  check_all({
      {"", "the question is empty", example},
      {" 80", "\" 80\" has a space or a control character in it", example},
      {"8080 8081", "\"8080 8081\" has a space or a control character in it", example},
      {"80\n", "\"80\\n\" has a space or a control character in it", example},
      {"tcp:", "the port is missing", example},
      {"localhost:", "the port is missing", "write it after the colon, for example localhost:8080"},
      {"70000", "port 70000 is over 65535", bounds},
      {"-1", "port -1 is below 0", bounds},
      {"0080", "port 0080 begins with a zero",
       "write 80; some programs read a leading zero as octal"},
      {"0x50", "the port \"0x50\" is hexadecimal", "write 80"},
      {"+80", "the port \"+80\" has a sign", "write 80"},
      {"80.5", "the port \"80.5\" is not a number", bounds},
      {"127.0.0.1:0x50", "the port \"0x50\" is hexadecimal", "write 80"},
      {"127.0.0.1:70000", "port 70000 is over 65535", bounds},
      {"\uFF18\uFF10", "the port \"\uFF18\uFF10\" has a character that no port has: \"\uFF18\"",
       "write it with the digits 0 to 9"},
      {"90-80", "\"90-80\" is a range that runs backwards, and a question is about one port",
       "ask for each: $(seq 80 90)"},
      {"8000-8010", "\"8000-8010\" is a range, and a question is about one port",
       "ask for each: $(seq 8000 8010)"},
      {"8000-", "\"8000-\" is a range, and a question is about one port",
       "write the ports one by one"},
      {"53/sctp", "unknown transport \"sctp\" behind the port",
       "tcp and udp are known, as in 53/udp; a unix path begins with / or ./"},
      {"tcp:53/udp", "the question names two transports, tcp and udp", "ask for each"},
      {"::1", "an IPv6 address needs brackets and a port: \"::1\"", "write [::1]:8080"},
      {"::1:80", "an IPv6 address needs brackets before its port: \"::1:80\"", "write [::1]:80"},
      {"[::1]", "\"[::1]\" has no port", "for example [::1]:8080"},
      {"[::1", "the bracket of \"[::1\" is not closed", "for example [::1]:8080"},
      {"127.0.0.1", "\"127.0.0.1\" has no port", "for example 127.0.0.1:8080"},
      {"localhost", "\"localhost\" has no port", "for example localhost:8080"},
      {"example.com", "\"example.com\" has no port", "for example example.com:8080"},
      {"1:2:3", "too many colons in \"1:2:3\"",
       "host:port has one; an IPv6 address stands in brackets, as in [::1]:8080"},
      {"tcp:80:81", "\"80\" is no IPv4 address: it has 1 number instead of 4",
       "write all four, for example 127.0.0.1"},
      {"300.1.1.1:80", "\"300.1.1.1\" is no IPv4 address: 300 is over 255", ""},
      {"224.0.0.1:80", "224.0.0.1 is a multicast address, which stands for a group of hosts",
       "write an address of one host, or * for every address of this machine"},
      {"http://localhost:8080/", "an endpoint has no http://",
       "write the bare endpoint localhost:8080; the type of the service decides what is spoken"},
      {"unix:", "unix: has no path", "for example unix:///run/polyport/echo.sock"},
      {"/run/", "the unix path \"/run/\" names a directory", "add the name of the socket"},
      {std::string(600, '1'), "the question is 600 bytes long, 512 are possible", ""},
  });
}

TEST_CASE("no question, however odd, is read without a port, a name or a path", "[port_question]") {
  const std::string letters = "0:/[]%.-*@a~ \xC3";
  std::vector<std::string> texts = {""};
  for (int length = 1; length <= 4; ++length) {
    std::vector<std::string> longer;
    for (const std::string& text : texts) {
      for (const char letter : letters)
        longer.push_back(text + letter);
    }
    texts = std::move(longer);
    for (const std::string& text : texts) {
      const auto question = parse_port_question(text);
      if (question) {
        const bool answerable = question->port || !question->name.empty() || question->is_path();
        if (!answerable) FAIL(text);
      } else if (question.error().what.empty()) {
        FAIL(text);
      }
    }
  }
}
