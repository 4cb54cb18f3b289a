// The route of /websocket/echo.
#include "services/http/endpoints.h"
#include "services/http/websocket.h"

namespace polyport::services::http {
namespace {

class EchoHandler final : public polyport::http::Handler {
 public:
  explicit EchoHandler(const SiteOptions& options)
      : echo_({.max_body = options.max_body, .max_duration = options.max_duration}) {}
  Body on_head(Exchange&) override { return Body::kDiscard; }
  void on_request(Exchange& exchange) override { echo_.answer(exchange); }

 private:
  WebSocketEcho echo_;
};

constexpr RouteParameter kEcho[] = {
    {.name = "max_fragment_size",
     .type = "integer",
     .help =
         "bytes of one frame, either way, 1 to max_body; half of max_body where it is left out"},
    {.name = "max_message_size",
     .type = "integer",
     .help = "bytes of a message, 1 to max_body; max_body where it is left out"},
    {.name = "hello",
     .type = "boolean",
     .fallback = "false",
     .help = "true: the first message tells the client its own address"}};

}  // namespace

std::span<const Route> websocket_routes() {
  static constexpr Route kRoutes[] = {
      {"*",
       "/websocket/echo",
       "a WebSocket that sends every message back, for max_duration",
       nullptr,
       kEcho,
       {},
       Route::Body::kDiscard,
       Route::When::kAlways,
       [](Site& site) -> polyport::http::Handler* { return new EchoHandler(site.options()); }},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
