// The opening handshake (RFC 6455 section 4.2) and the offers of permessage-deflate (RFC 7692
// section 7.1), judged without a socket.
#include <vector>

#include "core/base/digest.h"
#include "core/http/websocket_handshake.h"
#include "tests/support/catch.h"

using namespace polyport;
using namespace polyport::http;

namespace {

struct Sent {
  std::vector<Header> headers = {{"Host", "a"},
                                 {"Upgrade", "websocket"},
                                 {"Connection", "Upgrade"},
                                 {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                 {"Sec-WebSocket-Version", "13"}};
  Request request{.method = "GET", .target = "/", .path = "/"};

  Sent& set(Bytes name, Bytes value) {
    remove(name);
    return add(name, value);
  }
  Sent& add(Bytes name, Bytes value) {
    headers.push_back({name, value});
    return *this;
  }
  Sent& remove(Bytes name) {
    std::erase_if(headers, [&](const Header& header) { return header.name == name; });
    return *this;
  }
  WebSocketHandshake check(std::vector<std::string_view> protocols = {},
                           Deflate deflate = Deflate::kContext) {
    request.headers = headers;
    return check_websocket_handshake(request, protocols, deflate);
  }
};

std::string answer(Bytes offers, Deflate policy = Deflate::kContext) {
  DeflateAgreement agreement;
  return negotiate_deflate(offers, policy, agreement) ? agreement.answer : "malformed";
}

}  // namespace

TEST_CASE("handshake: the example of section 1.3") {
  const WebSocketHandshake handshake = Sent().check();
  CHECK(handshake.status == 101);
  CHECK(handshake.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(handshake.protocol.empty());
  CHECK_FALSE(handshake.deflate.on);
  CHECK(digest(Hash::kSha1, "abc") ==
        "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d");
}

TEST_CASE("handshake: tokens count without regard to case, lists and repeated headers as one") {
  CHECK(
      Sent().set("Upgrade", "WebSocket").set("Connection", "keep-alive, UPGRADE").check().status ==
      101);
  CHECK(Sent().set("Upgrade", "h2c, websocket").check().status == 101);
  CHECK(Sent().add("Connection", "keep-alive").add("Upgrade", "other").check().status == 101);
}

TEST_CASE("handshake: every point of section 4.2.1 that is missed is refused") {
  CHECK(Sent().remove("Upgrade").check().status == 426);
  CHECK(Sent().set("Upgrade", "websockets").check().status == 426);
  CHECK(Sent().remove("Connection").check().status == 400);
  CHECK(Sent().set("Connection", "keep-alive").check().status == 400);
  for (const Bytes version : {"7", "8", "12", "14", "013", "13, 8", "", "thirteen"}) {
    CAPTURE(version);
    CHECK(Sent().set("Sec-WebSocket-Version", version).check().status == 426);
  }
  CHECK(Sent().remove("Sec-WebSocket-Version").check().status == 426);
  CHECK(Sent().add("Sec-WebSocket-Version", "13").check().status == 400);
  for (const Bytes key :
       {"", "a", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=a", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25jZSE=", "dGhlIHNhbXBsZSBub25j-Q==", "dGhlIHNhbXBsZSBub25jZSEhISE="}) {
    CAPTURE(key);
    CHECK(Sent().set("Sec-WebSocket-Key", key).check().status == 400);
  }
  CHECK(Sent().remove("Sec-WebSocket-Key").check().status == 400);
  CHECK(Sent().add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").check().status == 400);
  for (const Bytes method : {"POST", "HEAD", "OPTIONS", "get"}) {
    Sent sent;
    sent.request.method = method;
    CHECK(sent.check().status == 400);
  }
  Sent old;
  old.request.minor = 0;
  CHECK(old.check().status == 400);
  Sent body;
  body.request.has_body = true;
  CHECK(body.check().status == 400);
}

TEST_CASE("handshake: the client's first choice of the protocols we speak") {
  const auto chosen = [](Bytes offered) {
    const WebSocketHandshake handshake =
        Sent().add("Sec-WebSocket-Protocol", offered).check({"chat", "lines"});
    return handshake.status == 101 ? std::string(handshake.protocol) : "refused";
  };
  CHECK(chosen("lines, chat") == "lines");
  CHECK(chosen("x, y , chat") == "chat");
  CHECK(chosen("Chat") == "");
  CHECK(chosen("x") == "");
  CHECK(chosen("chat, a b") == "refused");
  CHECK(chosen("") == "refused");
  CHECK(Sent()
            .add("Sec-WebSocket-Protocol", "x")
            .add("Sec-WebSocket-Protocol", "lines")
            .check({"chat", "lines"})
            .protocol == "lines");
}

TEST_CASE("extensions: the offers of RFC 7692 section 7.1 and their answers") {
  const std::string plain = "permessage-deflate";
  CHECK(answer("permessage-deflate") == plain);
  CHECK(answer("permessage-deflate; client_max_window_bits") == plain);
  CHECK(answer("permessage-deflate; client_max_window_bits=10") ==
        plain + "; client_max_window_bits=10");
  CHECK(answer("permessage-deflate; client_max_window_bits=\"8\"") ==
        plain + "; client_max_window_bits=8");
  CHECK(answer("permessage-deflate; server_max_window_bits=10") ==
        plain + "; server_max_window_bits=10");
  CHECK(answer("permessage-deflate;server_no_context_takeover ; client_no_context_takeover") ==
        plain + "; server_no_context_takeover; client_no_context_takeover");
  CHECK(answer("x-webkit-deflate-frame, permessage-deflate") == plain);
  CHECK(answer("").empty());
  CHECK(answer("bbf-usp-protocol; eid=\"a1\"").empty());
}

TEST_CASE("extensions: an offer that cannot be met is passed over for the next one") {
  const std::string second = ", permessage-deflate; server_max_window_bits=9";
  const std::string taken = "permessage-deflate; server_max_window_bits=9";
  for (const char* first :
       {"server_max_window_bits=8", "server_max_window_bits", "server_max_window_bits=7",
        "server_max_window_bits=16", "server_max_window_bits=010", "server_max_window_bits=a",
        "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=08",
        "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown", "unknown=1",
        "server_no_context_takeover; server_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits"}) {
    CAPTURE(first);
    CHECK(answer("permessage-deflate; " + std::string(first)).empty());
    CHECK(answer("permessage-deflate; " + std::string(first) + second) == taken);
  }
  // The first that can be met counts, not the best.
  CHECK(answer("permessage-deflate; server_max_window_bits=9, permessage-deflate") == taken);
}

TEST_CASE("extensions: where nothing may be remembered both sides say so") {
  CHECK(answer("permessage-deflate", Deflate::kSingleMessages) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  CHECK(answer("permessage-deflate", Deflate::kOff).empty());
  DeflateAgreement agreement;
  REQUIRE(negotiate_deflate("permessage-deflate; client_no_context_takeover", Deflate::kContext,
                            agreement));
  CHECK(agreement.on);
  CHECK(agreement.server_keeps_context);
  CHECK_FALSE(agreement.client_keeps_context);
}

TEST_CASE("extensions: what is no list fails the handshake") {
  for (const char* list : {"permessage-deflate;", "permessage-deflate; =1", "; a", "a b", "a; b c",
                           "a; b=", "a; b=\"", "a; b=\"c", "a; b=\"c d\"", "a; b=\"\"", "a=1",
                           "permessage-deflate; client_max_window_bits=\"10", "\"a\"", "a; b=c=d",
                           "permessage-deflate, @"}) {
    CAPTURE(list);
    CHECK(answer(list) == "malformed");
    CHECK(Sent().add("Sec-WebSocket-Extensions", list).check().status == 400);
  }
  CHECK(answer(" , ,permessage-deflate,, ") == "permessage-deflate");
  CHECK(answer("a; b=\"c\\d\"").empty());
}
