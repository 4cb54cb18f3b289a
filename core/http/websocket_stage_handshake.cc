// The opening handshake of ws://, and what is told to whoever came without one.
#include <ctime>

#include "core/base/text.h"
#include "core/http/response_head.h"
#include "core/http/status.h"
#include "core/http/websocket_handshake.h"
#include "core/http/websocket_origin.h"
#include "core/http/websocket_stage.h"
#include "core/observe/protocol_hint.h"

namespace polyport::http {
namespace {

constexpr char kTlsRecord = 0x16;  // a handshake record (RFC 8446 section 5.1)

Request request_of(Bytes head, const HeadCheck& check, const std::vector<Header>& fields) {
  Request request;
  request.method = check.method.of(head);
  request.target = check.target.of(head);
  request.path = check.path.of(head);
  request.query = check.query.of(head);
  request.minor = check.minor;
  request.headers = fields;
  request.has_body = check.has_body();
  request.authority = check.authority.of(head);
  if (request.authority.empty()) request.authority = request.value("Host");
  return request;
}

}  // namespace

void WebSocketStage::shake_hands(Bytes bytes) {
  if (!handshake_) handshake_ = std::make_unique<Handshake>();
  handshake_->bytes.append(bytes);
  const Bytes head = handshake_->bytes;
  // A ClientHello has no lines that could be waited for.
  if (head.front() == kTlsRecord) {
    return decline(400, "this port speaks WebSocket without TLS: connect with ws://, not wss://",
                   {});
  }
  const HeadCheck::State state = handshake_->check.scan(head, {});
  if (state == HeadCheck::State::kPartial) return;
  if (state == HeadCheck::State::kRefused) {
    const Refusal refusal = handshake_->check.refusal();
    return decline(refusal.status, refusal.detail, {});
  }
  judge();
  if (!open_) return;
  const std::unique_ptr<Handshake> done = std::move(handshake_);
  pass_open();
  if (!over()) read(Bytes(done->bytes).substr(done->check.length()));
}

void WebSocketStage::judge() {
  const Bytes head = handshake_->bytes;
  const HeadCheck& check = handshake_->check;
  if (const Refusal bad = maker_.parser_.parse(head, check, maker_.fields_)) {
    return decline(bad.status, bad.detail, {});
  }
  const Request request = request_of(head, check, maker_.fields_);
  const WebSocketHandshake handshake = check_websocket_handshake(request, {}, Deflate::kOff);
  if (handshake.status != 101) {
    return decline(handshake.status, handshake.detail, request.authority);
  }
  const Bytes origin = request.value("Origin");
  if (!may_open_websocket(origin, request.authority, maker_.transport_.origins)) {
    const std::string detail =
        "pages of " + printable(origin, 200) + " may not connect to " + maker_.transport_.service +
        "; the server allows them with [services." + maker_.transport_.service +
        ".websocket] origins = [" + quoted(origin) + "]";
    return decline(403, detail, request.authority);
  }
  accept(handshake.accept);
}

void WebSocketStage::accept(Bytes key) {
  const Header headers[] = {{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", key}};
  const ResponseHead head{
      .status = 101, .headers = headers, .date = maker_.date_.at(std::time(nullptr))};
  std::string text(size_bound(head), '\0');
  pass_down(
      Bytes(text.data(), static_cast<std::size_t>(write_head(head, text.data()) - text.data())));
  open_ = true;
}

// Whoever reads this is a person, with a browser or with curl.
void WebSocketStage::decline(int status, Bytes detail, Bytes authority) {
  const Protocol protocol = recognise(handshake_->bytes);
  if (protocol != Protocol::kUnknown) connection().note_wrong_protocol(protocol);
  const bool secure = connection().stages() != this;
  const std::string url =
      (secure ? "wss://" : "ws://") +
      (authority.empty() ? connection().local().text() : std::string(authority)) + "/";
  std::string body = std::to_string(status) + " " + std::string(reason_phrase(status)) + ": " +
                     std::string(detail) + "\n\n";
  body += "This is a WebSocket port, of the service " + maker_.transport_.service + ".\n\n" +
          "  in a page or in Node   new WebSocket(\"" + url + "\")\n" +
          "  in a shell             websocat " + url + "\n" +
          "                         python3 -m websockets " + url + "\n";
  std::vector<Header> headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  if (status == 426 || status == 400) {
    const auto more = websocket_refusal_headers();
    headers.insert(headers.end(), more.begin(), more.end());
  }
  const ResponseHead head{.status = status,
                          .headers = headers,
                          .framing = ResponseHead::Framing::kLength,
                          .length = body.size(),
                          .persistence = ResponseHead::Persistence::kClose,
                          .date = maker_.date_.at(std::time(nullptr))};
  std::string text(size_bound(head), '\0');
  text.resize(static_cast<std::size_t>(write_head(head, text.data()) - text.data()));
  const bool is_head = Bytes(handshake_->bytes).starts_with("HEAD ");
  pass_down(is_head ? text : text + body);
  handshake_.reset();
  refuse(CloseReason::kProtocolError);
}

}  // namespace polyport::http
