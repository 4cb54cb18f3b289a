#include "core/http/websocket_handshake.h"

#include <algorithm>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/characters.h"

namespace polyport::http {
namespace {

constexpr Bytes kVersion = "13";
constexpr Bytes kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3
constexpr std::size_t kKeyBytes = 24;                            // 16 bytes as base64

WebSocketHandshake refuse(int status, Bytes detail) {
  WebSocketHandshake handshake;
  handshake.status = status;
  handshake.detail = detail;
  return handshake;
}

template <class Visit>
void for_each_value(const Request& request, Bytes name, Visit visit) {
  for (const Header& header : request.headers) {
    if (equals_ignoring_case(header.name, name)) visit(header.value);
  }
}

std::size_t count(const Request& request, Bytes name) {
  std::size_t found = 0;
  for_each_value(request, name, [&](Bytes) { ++found; });
  return found;
}

bool lists(const Request& request, Bytes name, Bytes wanted) {
  bool found = false;
  for_each_value(request, name, [&](Bytes value) {
    for_each_element(
        value, [&](Bytes element) { found = found || equals_ignoring_case(element, wanted); });
  });
  return found;
}

// 16 bytes in base64 are 22 characters and "==".
bool is_key(Bytes value) {
  return value.size() == kKeyBytes && value.ends_with("==") &&
         std::all_of(value.begin(), value.end() - 2, [](char character) {
           return (character >= 'a' && character <= 'z') ||
                  (character >= 'A' && character <= 'Z') || is(kDigit, character) ||
                  character == '+' || character == '/';
         });
}

// False where the header is no list of tokens.
bool choose_protocol(const Request& request, std::span<const std::string_view> protocols,
                     Bytes& chosen) {
  bool valid = true;
  for_each_value(request, "Sec-WebSocket-Protocol", [&](Bytes value) {
    for_each_element(value, [&](Bytes offered) {
      valid = valid && is_token(offered);
      if (!chosen.empty()) return;
      const auto found = std::find(protocols.begin(), protocols.end(), offered);
      if (found != protocols.end()) chosen = *found;
    });
  });
  return valid;
}

// The points of section 4.2.1, in the order in which a person would want to hear of them.
WebSocketHandshake check_request(const Request& request) {
  if (!lists(request, "Upgrade", "websocket")) {
    return refuse(426,
                  "this path speaks WebSocket: use a WebSocket client, which sends Upgrade: "
                  "websocket");
  }
  if (request.method != "GET") return refuse(400, "a WebSocket handshake is a GET request");
  if (request.major == 1 && request.minor == 0) {
    return refuse(400, "a WebSocket handshake needs HTTP/1.1");
  }
  if (!lists(request, "Connection", "upgrade")) {
    return refuse(400, "a WebSocket handshake needs Connection: Upgrade");
  }
  if (count(request, "Sec-WebSocket-Version") > 1) {
    return refuse(400, "there is more than one Sec-WebSocket-Version header");
  }
  if (request.value("Sec-WebSocket-Version") != kVersion) {
    return refuse(426, "the only WebSocket version spoken here is Sec-WebSocket-Version: 13");
  }
  if (count(request, "Sec-WebSocket-Key") != 1 || !is_key(request.value("Sec-WebSocket-Key"))) {
    return refuse(400, "Sec-WebSocket-Key must be 16 bytes in base64, given once");
  }
  if (request.has_body) return refuse(400, "a WebSocket handshake has no body");
  return {};
}

}  // namespace

WebSocketHandshake check_websocket_handshake(const Request& request,
                                             std::span<const std::string_view> protocols,
                                             Deflate deflate) {
  WebSocketHandshake handshake = check_request(request);
  if (handshake.status != 101) return handshake;
  if (!choose_protocol(request, protocols, handshake.protocol)) {
    return refuse(400, "Sec-WebSocket-Protocol must be a list of names");
  }
  std::string offers;
  for_each_value(request, "Sec-WebSocket-Extensions",
                 [&](Bytes value) { offers.append(value).append(","); });
  if (!negotiate_deflate(offers, deflate, handshake.deflate)) {
    return refuse(400, "Sec-WebSocket-Extensions must be a list of extensions with parameters");
  }
  handshake.accept = websocket_accept(request.value("Sec-WebSocket-Key"));
  return handshake;
}

std::string websocket_accept(Bytes key) {
  return base64(digest(Hash::kSha1, std::string(key).append(kGuid)));
}

std::span<const Header> websocket_refusal_headers() {
  static constexpr Header kHeaders[] = {{"Upgrade", "websocket"},
                                        {"Sec-WebSocket-Version", kVersion}};
  return kHeaders;
}

}  // namespace polyport::http
