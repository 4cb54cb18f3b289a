// web_door: the chat for browsers: one page, and the WebSocket below it.
//
// The page has three files and needs nothing else; its Content-Security-Policy says so. Who may
// connect is decided by where a page comes from (web_origin.h) and by how many there are from one
// address already. What is said over the WebSocket stands in web_request and web_text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/http/router.h"
#include "core/http/websocket_server.h"
#include "core/net/admission.h"
#include "services/chat/hub.h"
#include "services/chat/web_member.h"
#include "services/chat/web_request.h"

namespace polyport::services::chat {

struct WebSettings {
  StreamLimits limits;
  std::vector<std::string> origins;  // allowed beside the page's own; in lower case
  std::uint64_t connections_per_address = 100;
  std::chrono::milliseconds ping_interval{60'000};
  std::chrono::milliseconds ping_timeout{30'000};
};

class WebDoor final : private polyport::http::WebSocketHandler {
 public:
  WebDoor(Hub& hub, const WebSettings& settings);

  void start(std::string_view server_name) { server_name_ = server_name; }
  polyport::http::Handler& handler() { return router_; }

 private:
  using WebSocket = polyport::http::WebSocket;
  // One member and what it asks for.
  struct Call {
    WebMember& member;
    const WebRequest& request;
  };
  using Handler = void (WebDoor::*)(const Call& call);
  struct Action {
    WebRequest::Kind kind;
    Hub::Cost cost;
    Handler handler;
  };

  void upgrade(polyport::http::Exchange& exchange);
  void on_open(WebSocket& socket) override;
  void on_message(WebSocket& socket, polyport::http::MessageKind kind, Bytes message) override;
  void on_close(WebSocket& socket, const polyport::http::WebSocketEnd& end) override;

  // False where the member does too much at once; it is told.
  bool may_go_on(const Call& call, Hub::Cost cost);
  // Tells why not.
  void answer(const Call& call, Refusal refusal, std::string_view subject);

  // web_actions.cc
  static const Action& action_for(WebRequest::Kind kind);
  void hello(const Call& call);
  void say(const Call& call);
  void act(const Call& call);
  void whisper(const Call& call);
  void join(const Call& call);
  void part(const Call& call);
  void change_nick(const Call& call);
  void topic(const Call& call);
  void who(const Call& call);
  void rooms(const Call& call);
  void history(const Call& call);
  void become_operator(const Call& call);
  void kick(const Call& call);
  void mute(const Call& call);
  void unmute(const Call& call);

  Hub& hub_;
  WebSettings settings_;
  std::string server_name_;
  Admission admission_;
  polyport::http::WebSocketServer sockets_;
  polyport::http::Router router_;
};

}  // namespace polyport::services::chat
