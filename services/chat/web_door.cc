#include "services/chat/web_door.h"

#include <algorithm>
#include <memory>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/conditional.h"
#include "services/chat/web_files.h"
#include "services/chat/web_origin.h"
#include "services/chat/web_text.h"

namespace polyport::services::chat {
namespace {

using polyport::http::CloseCode;
using polyport::http::Exchange;
using polyport::http::Header;
using polyport::http::Parameters;

// A text of max_line may come as six times as many bytes (\u00e4), with some fields around it; a
// hello names rooms.
constexpr std::size_t kRequestBytes = 16 * 1024;

std::string_view content_type(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/javascript; charset=utf-8";
}

// 'self' means WebSockets of the same host too, but not to every browser; so it is named. Whatever
// else may stand in a Host header stays out.
std::string content_security_policy(Bytes host) {
  const bool is_plain =
      !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
      });
  std::string connect = "'self'";
  if (is_plain) connect += " ws://" + std::string(host) + " wss://" + std::string(host);
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src " +
         connect + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

void serve(Exchange& exchange, const WebFile& file) {
  const std::string etag = "\"" + hex_digest(Hash::kSha256, file.text).substr(0, 32) + "\"";
  const std::string policy = content_security_policy(exchange.request().authority);
  const bool unchanged = polyport::http::evaluate(exchange.request(), {.etag = etag}) ==
                         polyport::http::Precondition::kNotModified;
  const Header headers[] = {{"Content-Type", content_type(file.name)},
                            {"ETag", etag},
                            {"Cache-Control", "no-cache"},
                            {"Content-Security-Policy", policy},
                            {"X-Content-Type-Options", "nosniff"},
                            {"X-Frame-Options", "DENY"},
                            {"Referrer-Policy", "no-referrer"},
                            {"Cross-Origin-Opener-Policy", "same-origin"},
                            {"Cross-Origin-Resource-Policy", "same-origin"}};
  exchange.respond(unchanged ? 304 : 200, headers, unchanged ? Bytes{} : Bytes(file.text));
}

polyport::http::WebSocketOptions socket_options(const WebSettings& settings) {
  polyport::http::WebSocketOptions options;
  options.limits.max_message =
      static_cast<std::uint32_t>(kRequestBytes + 6 * settings.limits.line_bytes);
  options.takes = polyport::http::MessageReader::Takes::kText;
  options.ping_interval = settings.ping_interval;
  options.pong_timeout = settings.ping_timeout;
  return options;
}

}  // namespace

WebDoor::WebDoor(Hub& hub, const WebSettings& settings)
    : hub_(hub),
      settings_(settings),
      admission_({.per_address = settings.connections_per_address}),
      sockets_(*this, socket_options(settings)) {
  for (const WebFile& file : web_files()) {
    const std::string path = file.name == "page.html" ? "/" : "/" + std::string(file.name);
    router_.add(
        "GET", path, [&file](Exchange& exchange, const Parameters&) { serve(exchange, file); },
        polyport::http::Handler::Body::kDiscard);
  }
  router_.add(
      "*", "/ws", [this](Exchange& exchange, const Parameters&) { upgrade(exchange); },
      polyport::http::Handler::Body::kDiscard);
}

// --- coming and going ----------------------------------------------------------------------------

void WebDoor::upgrade(Exchange& exchange) {
  const auto& request = exchange.request();
  const std::string refusal =
      refuse_origin(request.value("Origin"), request.authority,
                    exchange.connection().local().is_loopback(), settings_.origins);
  if (!refusal.empty()) return exchange.respond_error(403, refusal);
  sockets_.upgrade(exchange);
}

void WebDoor::on_open(WebSocket& socket) {
  if (!admission_.admit(socket.connection().peer())) {
    socket.close(CloseCode::kPolicy, "too many connections from your address",
                 CloseReason::kLimitAddress);
    return;
  }
  socket.set_state(new WebMember(socket, settings_.limits));
}

void WebDoor::on_close(WebSocket& socket, const polyport::http::WebSocketEnd& end) {
  const std::unique_ptr<WebMember> member(static_cast<WebMember*>(socket.state()));
  if (!member) return;  // it was one too many
  socket.set_state(nullptr);
  admission_.leave(socket.connection().peer());
  const bool closed = end.clean || end.reason == CloseReason::kPeerClosed;
  hub_.leave(*member, closed ? "closed the page" : name(end.reason), Hub::Leave::kMayComeBack);
}

// --- what pages ask for --------------------------------------------------------------------------

void WebDoor::on_message(WebSocket& socket, polyport::http::MessageKind, Bytes message) {
  WebMember& member = *static_cast<WebMember*>(socket.state());
  const auto request = read_web_request(message);
  if (!request) {
    return member.send(web_refused("not_understood", request.error().what, {}));
  }
  const Call call{member, *request};
  const bool is_hello = request->kind == WebRequest::Kind::kHello;
  if (is_hello == member.in_hub()) {
    const std::string_view words = is_hello ? "hello was said already" : "say hello first";
    return member.send(web_refused("not_now", words, request->reference));
  }
  if (is_hello) return hello(call);
  const Action& action = action_for(request->kind);
  if (may_go_on(call, action.cost)) (this->*action.handler)(call);
}

bool WebDoor::may_go_on(const Call& call, Hub::Cost cost) {
  if (hub_.charge(call.member, cost) == Hub::Flood::kFine) return true;
  // Each is told: the page must know that it is not sent.
  const Rate rate = cost == Hub::Cost::kTalk ? hub_.rules().talk : hub_.rules().ask();
  call.member.send(web_refused("too_fast",
                               "too fast: not sent. You have " + std::to_string(rate.burst) +
                                   " at once and then " + std::to_string(rate.per_second) +
                                   " a second",
                               call.request.reference));
  return false;
}

void WebDoor::answer(const Call& call, Refusal refusal, std::string_view subject) {
  if (refusal == Refusal::kNone) return;
  call.member.send(
      web_refused(name(refusal), words(refusal, hub_.rules(), subject), call.request.reference));
}

}  // namespace polyport::services::chat
