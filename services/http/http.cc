// The http service: a web server that tells its visitors what they sent and where they are.
//
// The routes are few and each shows one thing about the connection underneath; the engine is
// core/http. It is no proxy and serves no files.
#include <chrono>

#include "core/http/accept.h"
#include "core/http/options.h"
#include "core/http/router.h"
#include "core/service.h"
#include "services/http/front_page.h"
#include "services/http/request_json.h"
#include "services/http/websocket.h"

namespace polyport::services::http {
namespace {

using polyport::http::Exchange;
using polyport::http::Handler;
using polyport::http::Header;
using polyport::http::Parameters;
using polyport::http::Router;

constexpr Bytes kJson = "application/json";
constexpr Bytes kHtml = "text/html; charset=utf-8";
constexpr Bytes kPlain = "text/plain; charset=utf-8";
constexpr Header kPlainHeaders[] = {{"Content-Type", "text/plain"}};

class HttpService final : public Service {
 public:
  explicit HttpService(const OptionValues& values)
      : websocket_echo_({.max_body = values.bytes("max_body")}) {
    router_.add("GET", "/plain", plain, Handler::Body::kDiscard);
    router_.add(
        "GET", "/", [this](Exchange& e, const Parameters&) { front(e); }, Handler::Body::kDiscard);
    router_.add("*", "/echo", echo);
    router_.add("GET", "/now", now, Handler::Body::kDiscard);
    router_.add("GET", "/socket", socket, Handler::Body::kDiscard);
    router_.add(
        "*", "/websocket/echo",
        [this](Exchange& e, const Parameters&) { websocket_echo_.answer(e); },
        Handler::Body::kDiscard);
  }

  Result<void> start(ServiceContext& context) override {
    host_ = &context.host;
    return {};
  }
  polyport::http::Handler* http_handler(const Door&) override { return &router_; }

 private:
  // The cheap one: what a load test should ask for.
  static void plain(Exchange& exchange, const Parameters&) {
    exchange.respond(200, kPlainHeaders, "Hello, World!");
  }

  static void echo(Exchange& exchange, const Parameters&) {
    answer_fresh(exchange, kJson, request_json(exchange.request(), exchange.connection().peer()));
  }

  static void now(Exchange& exchange, const Parameters&) {
    answer_fresh(exchange, kJson, time_json(std::chrono::system_clock::now()));
  }

  static void socket(Exchange& exchange, const Parameters&) {
    answer_fresh(exchange, kJson, socket_json(exchange.connection()));
  }

  // A person with a browser gets the page, one with curl the same as text.
  void front(Exchange& exchange) const {
    const auto& request = exchange.request();
    const FrontPage page = front_page(*host_, exchange.connection(), request.authority);
    const bool html = polyport::http::preferred_type(request.value("Accept"),
                                                     {"text/plain", "text/html"}) == "text/html";
    const Header headers[] = {{"Content-Type", html ? kHtml : kPlain},
                              {"Cache-Control", "no-store"},
                              {"Vary", "Accept"},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Content-Security-Policy",
                               "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}};
    exchange.respond(200, headers, html ? front_page_html(page) : front_page_text(page));
  }

  static void answer_fresh(Exchange& exchange, Bytes type, const std::string& body) {
    const Header headers[] = {{"Content-Type", type},
                              {"Cache-Control", "no-store"},
                              {"X-Content-Type-Options", "nosniff"}};
    exchange.respond(200, headers, body);
  }

  Router router_;
  WebSocketEcho websocket_echo_;
  HostView* host_ = nullptr;
};

constexpr Door kDoors[] = {{.name = "main",
                            .option = "listen",
                            .transports = transports(Transport::kTcp, Transport::kUnix),
                            .kind = Door::Kind::kHttp}};

}  // namespace

extern const ServiceType service_type;
const ServiceType service_type{
    .name = "http",
    .summary = "web server that shows requests, sockets and the time",
    .default_port = 8080,
    .doors = kDoors,
    .options = polyport::http::option_rows(),
    .try_it = "curl http://{host}:{port}/",
    .client_speaks_first = true,
    .create = make_service<HttpService>,
};

}  // namespace polyport::services::http
