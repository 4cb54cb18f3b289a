// Endpoints: every form that may be written, and a sentence of its own for every way to be wrong.
#include "core/ports/endpoint.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"

using polyport::Endpoint;
using polyport::ErrorCode;
using polyport::parse_endpoint;
using polyport::Transport;

namespace {

Endpoint parsed(std::string_view text, Transport fallback = Transport::kTcp) {
  INFO(text);
  const auto endpoint = parse_endpoint(text, fallback);
  if (!endpoint) FAIL(std::string(text) << ": " << endpoint.error().text());
  return *endpoint;
}

struct Wrong {
  std::string text;
  std::string what;
  std::string hint;
};

void check_all(const std::vector<Wrong>& wrongs) {
  for (const Wrong& wrong : wrongs) {
    INFO(wrong.text);
    const auto endpoint = parse_endpoint(wrong.text);
    REQUIRE_FALSE(endpoint.has_value());
    CHECK(endpoint.error().code == ErrorCode::kBadValue);
    CHECK(endpoint.error().what == wrong.what);
    CHECK(endpoint.error().hint == wrong.hint);
    CHECK(endpoint.error().where.empty());
  }
}

}  // namespace

TEST_CASE("an endpoint in full", "[endpoint]") {
  const Endpoint endpoint = parsed("udp://localhost:9000-9009/3");
  CHECK(endpoint.transport == Transport::kUdp);
  CHECK(endpoint.host == "localhost");
  CHECK(endpoint.ports() == std::vector<std::uint16_t>{9000, 9003, 9006, 9009});
  CHECK(endpoint.text() == "udp://localhost:9000-9009/3");
}

TEST_CASE("every form is read, and written back in full", "[endpoint]") {
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"localhost:8080", "tcp://localhost:8080"},
      {"8080", "tcp://localhost:8080"},
      {"udp://8080", "udp://localhost:8080"},
      {"9000-9009", "tcp://localhost:9000-9009"},
      {"0", "tcp://localhost:0"},
      {"*:65535", "tcp://*:65535"},
      {"127.0.0.1:0", "tcp://127.0.0.1:0"},
      {"0.0.0.0:80", "tcp://0.0.0.0:80"},
      {"tcp://127.0.0.2:10007", "tcp://127.0.0.2:10007"},
      {"[::1]:80", "tcp://[::1]:80"},
      {"[::]:80", "tcp://[::]:80"},
      {"[0:0:0:0:0:0:0:1]:80", "tcp://[::1]:80"},
      {"[2001:DB8::1]:80", "tcp://[2001:db8::1]:80"},
      {"[fe80::1%eth0]:80", "tcp://[fe80::1%eth0]:80"},
      {"[::ffff:127.0.0.1]:80", "tcp://127.0.0.1:80"},
      {"Example.COM.:443", "tcp://example.com.:443"},
      {"chat_room-1.internal:7", "tcp://chat_room-1.internal:7"},
      {"localhost:80-80", "tcp://localhost:80"},
      {"localhost:20007-22907/100", "tcp://localhost:20007-22907/100"},
      {"localhost:1-1000", "tcp://localhost:1-1000"},
      {"localhost:1-65535/66", "tcp://localhost:1-65535/66"},
      {"unix:///run/polyport/echo.sock", "unix:///run/polyport/echo.sock"},
      {"unix:/run/echo.sock", "unix:///run/echo.sock"},
      {"unix:echo.sock", "unix:echo.sock"},
      {"unix:my files/echo.sock", "unix:my files/echo.sock"},
      {"unix:@echo", "unix:@echo"},
  };
  for (const auto& [written, full] : forms) {
    INFO(written);
    const Endpoint endpoint = parsed(written);
    CHECK(endpoint.text() == full);
    CHECK(parsed(full) == endpoint);
  }
}

TEST_CASE("the transport falls back to the service's own", "[endpoint]") {
  CHECK(parsed("localhost:123", Transport::kUdp).transport == Transport::kUdp);
  CHECK(parsed("tcp://localhost:123", Transport::kUdp).transport == Transport::kTcp);
  CHECK(parsed("unix:x", Transport::kUdp).transport == Transport::kUnix);
  CHECK(parsed("echo.sock", Transport::kUnix).path == "echo.sock");
}

TEST_CASE("a range ends at or before its last port", "[endpoint]") {
  CHECK(parsed("localhost:9000-9009/4").ports() == std::vector<std::uint16_t>{9000, 9004, 9008});
  CHECK(parsed("localhost:65530-65535/4").ports() == std::vector<std::uint16_t>{65530, 65534});
  CHECK(parsed("localhost:65535").ports() == std::vector<std::uint16_t>{65535});
  CHECK(parsed("localhost:1-1000").ports().size() == 1000);
  CHECK(parsed("unix:x").ports().empty());
}

TEST_CASE("what lacks a part says which", "[endpoint]") {
  check_all({
      {"", "the endpoint is empty", "write host:port, for example localhost:8080"},
      {"tcp://", "the endpoint has no host and no port",
       "write host:port, for example localhost:8080"},
      {"localhost", "\"localhost\" has no port", "for example localhost:8080"},
      {"127.0.0.1", "\"127.0.0.1\" has no port", "for example 127.0.0.1:8080"},
      {"[::1]", "\"[::1]\" has no port", "for example [::1]:8080"},
      {"localhost:", "the port is missing", "write it after the colon, for example localhost:8080"},
      {":8080", "\":8080\" has no host",
       "localhost:8080 is this machine only, *:8080 is every address"},
      {"/run/x.sock", "\"/run/x.sock\" has no port", "a unix socket is written unix:///run/x.sock"},
      {"./x.sock", "\"./x.sock\" has no port", "a unix socket is written unix:./x.sock"},
      {"localhost/x", "\"localhost/x\" has no port, and an endpoint has no path",
       "write host:port, for example localhost:8080"},
      {"[::1:80", "the bracket of \"[::1:80\" is not closed", "for example [::1]:8080"},
      {"[::1]80", "a colon and the port must follow the bracket, not \"80\"",
       "for example [::1]:8080"},
  });
}

TEST_CASE("spaces and control characters are shown", "[endpoint]") {
  for (const std::string text : {" localhost:80", "localhost:80 ", "local host:80", " ", "\t",
                                 "localhost:\n80", "unix:x ", "tcp:// localhost:80"}) {
    INFO(text);
    const auto endpoint = parse_endpoint(text);
    REQUIRE_FALSE(endpoint.has_value());
    CHECK(endpoint.error().what.find("has a space or a control character in it") !=
          std::string::npos);
    CHECK(endpoint.error().what.find('\n') == std::string::npos);
  }
}

TEST_CASE("ports are 0 to 65535", "[endpoint]") {
  const std::string bounds = "ports are 0 to 65535";
  check_all({
      {"localhost:70000", "port 70000 is over 65535", bounds},
      {"70000", "port 70000 is over 65535", bounds},
      {"localhost:65536", "port 65536 is over 65535", bounds},
      {"localhost:99999999999999999999999", "port 99999999999999999999... is over 65535", bounds},
      {"localhost:-1", "port -1 is below 0", bounds},
      {"-1", "port -1 is below 0", bounds},
      {"localhost:http", "the port \"http\" is not a number", "the port of http is 80"},
      {"localhost:HTTP", "the port \"HTTP\" is not a number", "the port of http is 80"},
      {"localhost:web", "the port \"web\" is not a number", bounds},
      {"localhost:+80", "the port \"+80\" has a sign", "write 80"},
      {"localhost:0x50", "the port \"0x50\" is hexadecimal", "write 80"},
      {"localhost:8.0", "the port \"8.0\" is not a number", bounds},
  });
}

TEST_CASE("a port in other digits than ours", "[endpoint]") {
  const std::string digits = "write it with the digits 0 to 9";
  const std::string octal = "; some programs read a leading zero as octal";
  check_all({
      {"localhost:0080", "port 0080 begins with a zero", "write 80" + octal},
      {"00", "port 00 begins with a zero", "write 0" + octal},
      {"localhost:0099999", "port 0099999 begins with a zero", "ports are 0 to 65535"},
      {"localhost:0XFFFF", "the port \"0XFFFF\" is hexadecimal", "write 65535"},
      {"localhost:0x1FFFF", "the port \"0x1FFFF\" is hexadecimal", "ports are 0 to 65535"},
      {"localhost:0x", "the port \"0x\" is not a number", "ports are 0 to 65535"},
      {"localhost:+70000", "the port \"+70000\" has a sign", "ports are 0 to 65535"},
      {"localhost:\uFF18\uFF10",
       "the port \"\uFF18\uFF10\" has a character that no port has: \"\uFF18\"", digits},
      {"localhost:8\u0660", "the port \"8\u0660\" has a character that no port has: \"\u0660\"",
       digits},
      {"localhost:80\xFF", "the port \"80\\xff\" has a character that no port has: \"\\xff\"",
       digits},
      {"localhost:*", "the port \"*\" is not a number", "0 asks the system for any free port"},
      {"localhost:9000-0x2400", "the port \"0x2400\" is hexadecimal", "write 9216"},
  });
}

TEST_CASE("ranges that are none", "[endpoint]") {
  check_all({
      {"localhost:9009-9000", "the port range 9009-9000 runs backwards", "write 9000-9009"},
      {"localhost:1-1001", "the port range 1-1001 has 1001 ports, 1000 are allowed",
       "take a step, for example 1-1001/2"},
      {"localhost:1-65535/65", "the port range 1-65535 has 1009 ports, 1000 are allowed",
       "take a step, for example 1-65535/66"},
      {"localhost:9000-9009/0", "the step of the port range 9000-9009 is 0", "leave out /0"},
      {"localhost:9000-9009/x", "the step \"x\" of a port range is not a number from 1 to 65535",
       "for example 9000-9900/100"},
      {"localhost:9000-", "the port range \"9000-\" has no end", "for example 9000-9009"},
      {"localhost:9000-70000", "port 70000 is over 65535", "ports are 0 to 65535"},
      {"localhost:9000--1", "port -1 is below 0", "ports are 0 to 65535"},
      {"localhost:0-9", "a port range cannot begin with 0, which asks the system for any free port",
       "begin with 1, or write the port 0 alone"},
  });
}

TEST_CASE("what follows the port is refused", "[endpoint]") {
  check_all({
      {"localhost:80/", "an endpoint has no path, and \"/\" follows the port",
       "write localhost:80"},
      {"localhost:80/index.html", "an endpoint has no path, and \"/index.html\" follows the port",
       "write localhost:80"},
      {"localhost:80/2", "an endpoint has no path, and \"/2\" follows the port",
       "write localhost:80"},
      {"localhost:80:90", "too many colons in \"localhost:80:90\"",
       "host:port has one; an IPv6 address stands in brackets, as in [::1]:8080"},
  });
}

TEST_CASE("IPv6 needs brackets", "[endpoint]") {
  check_all({
      {"::1:80", "an IPv6 address needs brackets before its port: \"::1:80\"", "write [::1]:80"},
      {"::1", "an IPv6 address needs brackets and a port: \"::1\"", "write [::1]:8080"},
      {"2001:db8::1:8080", "an IPv6 address needs brackets before its port: \"2001:db8::1:8080\"",
       "write [2001:db8::1]:8080"},
      {"[127.0.0.1]:80", "\"127.0.0.1\" is no IPv6 address",
       "brackets are for IPv6 addresses only; write the host without them"},
      {"[localhost]:80", "\"localhost\" is no IPv6 address",
       "brackets are for IPv6 addresses only; write the host without them"},
      {"[::g]:80", "\"::g\" is no IPv6 address", "for example [::1]:8080"},
      {"[fe80::1]:80", "fe80::1 is a link-local address and needs its interface",
       "for example [fe80::1%eth0]:8080"},
      {"[fe80::1%]:80", "\"\" after the % is no name of an interface", "`ip address` lists them"},
      {"[::1%lo]:80", "::1 is not link-local and takes no interface", "leave out %lo"},
  });
}

TEST_CASE("what is copied from elsewhere is told apart", "[endpoint]") {
  const std::string list =
      "several endpoints are a list, as in [\"localhost:8080\", \"localhost:8081\"]";
  const std::string colon = "a plain colon stands before the port, as in localhost:8080";
  const std::string slash =
      "one address stands there and no network; * is every address of this machine";
  check_all({
      {"80,81", "the endpoint \"80,81\" has a comma in it", list},
      {"localhost:80,localhost:81", "the endpoint \"localhost:80,localhost:81\" has a comma in it",
       list},
      {"\"localhost:80\"", "the endpoint \"\\\"localhost:80\\\"\" has quotes in it",
       "write localhost:80, without them"},
      {"'tcp://80'", "the endpoint \"'tcp://80'\" has quotes in it",
       "write tcp://80, without them"},
      {"'80", "the endpoint \"'80\" has quotes in it", "write 80, without them"},
      {"localhost\uFF1A80",
       "\"localhost\uFF1A80\" has a character that no endpoint has: \"\uFF1A\"", colon},
      {"\uFF18\uFF10", "\"\uFF18\uFF10\" has a character that no endpoint has: \"\uFF18\"", colon},
      {"127.0.0.1/8:80", "the host \"127.0.0.1/8\" has a slash in it", slash},
      {"[*]:80", "\"*\" is no IPv6 address",
       "brackets are for IPv6 addresses only; write the host without them"},
      {"[]:80", "the brackets are empty", "for example [::1]:8080"},
      {"[::1]:", "the port is missing", "write it after the colon, for example [::1]:8080"},
      {"[::1]:80/x", "an endpoint has no path, and \"/x\" follows the port", "write [::1]:80"},
      {"127.0.0.1.:80", "\"127.0.0.1.\" is no IPv4 address: a dot follows it", "write 127.0.0.1"},
      {"..:80", "the host \"..\" is nothing but dots", ""},
      {"0x7f000001:80", "\"0x7f000001\" is an IPv4 address in another notation", "write 127.0.0.1"},
      {"0x7f.1:80", "\"0x7f.1\" is an IPv4 address in another notation", "write 127.0.0.1"},
  });
  CHECK(parsed("0x7g.test:80").host == "0x7g.test");
  CHECK(parsed("localhost.:80").host == "localhost.");
  CHECK(parsed("unix:a,b").path == "a,b");
}

TEST_CASE("transports that are none", "[endpoint]") {
  check_all({
      {"http://localhost:8080/x", "an endpoint has no http://",
       "write the bare endpoint localhost:8080; the type of the service decides what is spoken"},
      {"https://example.com", "an endpoint has no https://",
       "write tls://example.com:443; the type of the service decides what is spoken"},
      {"HTTP://[::1]/", "an endpoint has no http://",
       "write the bare endpoint [::1]:80; the type of the service decides what is spoken"},
      {"tpc://localhost:80", "unknown transport \"tpc\"", "did you mean \"tcp\"?"},
      {"UDP://localhost:80", "unknown transport \"UDP\"", "did you mean \"udp\"?"},
      {"gopher://localhost:70", "unknown transport \"gopher\"",
       "tcp, tls, ws, wss, udp and unix are known; without one the service's own is taken"},
      {"://localhost:80", "unknown transport \"\"",
       "tcp, tls, ws, wss, udp and unix are known; without one the service's own is taken"},
      {"tcp:localhost:80", "the transport in \"tcp:localhost:80\" lacks its //",
       "write tcp://localhost:80"},
      {"udp:/53", "the transport in \"udp:/53\" lacks its //", "write udp://53"},
      {"tcp//80", "the transport in \"tcp//80\" lacks its colon", "write tcp://80"},
      {"unix//run/x", "the transport in \"unix//run/x\" lacks its colon", "write unix:///run/x"},
  });
}

TEST_CASE("addresses that no service can have", "[endpoint]") {
  const std::string one_host =
      "write an address of one host, or * for every address of this machine";
  check_all({
      {"224.0.0.1:80", "224.0.0.1 is a multicast address, which stands for a group of hosts",
       one_host},
      {"[ff02::1]:80", "ff02::1 is a multicast address, which stands for a group of hosts",
       one_host},
      {"255.255.255.255:80",
       "255.255.255.255 is the broadcast address, which stands for every host", one_host},
      {"300.1.1.1:80", "\"300.1.1.1\" is no IPv4 address: 300 is over 255", ""},
      {"127.1:80", "\"127.1\" is no IPv4 address: it has 2 numbers instead of 4",
       "write all four, for example 127.0.0.1"},
      {"1.2.3.4.5:80", "\"1.2.3.4.5\" is no IPv4 address: it has 5 numbers instead of 4",
       "write all four, for example 127.0.0.1"},
      {"127:80", "\"127\" is no IPv4 address: it has 1 number instead of 4",
       "write all four, for example 127.0.0.1"},
      {"1..2.3:80", "\"1..2.3\" is no IPv4 address: a number is missing", ""},
      {"010.0.0.1:80", "\"010.0.0.1\" is no IPv4 address: \"010\" begins with a zero",
       "some programs read that as octal; write it without the zero"},
      {"*.example.com:80", "the host \"*.example.com\" has a * in it",
       "* stands alone and means every address of this machine"},
  });
}

TEST_CASE("names have letters, digits, hyphens and dots", "[endpoint]") {
  const std::string letters = "letters, digits, hyphens and dots; other scripts in their xn-- form";
  check_all({
      {"me@example.com:80",
       "the host name \"me@example.com\" has a character that no name has: \"@\"", letters},
      {"b\xC3\xBC"
       "cher.de:80",
       "the host name \"b\xC3\xBC"
       "cher.de\" has a character that no name has: \"\xC3\xBC\"",
       letters},
      {"\xFF:80", "the host name \"\\xff\" has a character that no name has: \"\\xff\"", letters},
      {"a..b:80", "the host name \"a..b\" has nothing between two dots", ""},
      {"-a:80", "the host name \"-a\" has a part that begins or ends with a hyphen", ""},
      {"a-.b:80", "the host name \"a-.b\" has a part that begins or ends with a hyphen", ""},
  });
  CHECK_FALSE(parse_endpoint(std::string(64, 'a') + ":80").has_value());
  CHECK(parse_endpoint(std::string(63, 'a') + ":80").has_value());
  std::string long_name;
  for (int i = 0; i < 127; ++i)
    long_name += "a.";
  CHECK_FALSE(parse_endpoint(long_name + "a:80").has_value());
  check_all(
      {{std::string(100000, 'a'), "the endpoint is 100000 bytes long, 512 are possible", ""}});
}

TEST_CASE("unix paths fit into the kernel's 107 bytes", "[endpoint]") {
  CHECK(parsed("unix:///" + std::string(106, 'a')).path.size() == 107);
  CHECK(parsed("unix:./~/x").path == "./~/x");
  CHECK(parsed("unix:x..").path == "x..");
  CHECK(parsed("unix:@" + std::string(107, 'a')).path.size() == 108);
  const std::string shorter = "take a shorter folder, or a path relative to the working directory";
  check_all({
      {"unix:///" + std::string(107, 'a'), "the unix path is 108 bytes long, 107 are possible",
       shorter},
      {"unix:@" + std::string(108, 'a'), "the unix path is 109 bytes long, 108 are possible",
       shorter},
      {"unix:", "unix: has no path", "for example unix:///run/polyport/echo.sock"},
      {"unix://", "unix:// needs an absolute path, not \"\"",
       "unix:///run/x.sock is absolute, unix:x.sock is relative"},
      {"unix://run/x.sock", "unix:// needs an absolute path, not \"run/x.sock\"",
       "unix:///run/x.sock is absolute, unix:x.sock is relative"},
      {"unix:@", "unix:@ has no name", "for example unix:@echo"},
      {"unix:///run/", "the unix path \"/run/\" names a directory", "add the name of the socket"},
      {"unix:.", "the unix path \".\" names a directory", "add the name of the socket"},
      {"unix:/run/..", "the unix path \"/run/..\" names a directory", "add the name of the socket"},
      {"unix:~/x", "the unix path \"~/x\" begins with ~, which nobody replaces here",
       "write the folder in full, or ./~/x for one of that name"},
      {"unix:$HOME/x", "the unix path \"$HOME/x\" begins with $HOME, which nobody replaces here",
       "write the folder in full, or ./$HOME/x for one of that name"},
      {std::string("unix:a\0b", 8), "the unix path \"a\\x00b\" has a control character in it", ""},
  });
}
