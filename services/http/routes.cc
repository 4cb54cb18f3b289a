#include "services/http/endpoints.h"

namespace polyport::services::http {

std::span<const RouteGroup> route_groups() {
  static const RouteGroup groups[] = {
      {"First", front_routes()},
      {"The request, told back", echo_routes()},
      {"Who and when", identity_routes()},
      {"Statuses, failures, delays", status_routes()},
      {"Redirects", redirect_routes()},
      {"Cookies", cookie_routes()},
      {"Authentication", auth_routes()},
      {"Caches and headers", cache_routes()},
      {"Bytes", byte_routes()},
      {"Streams", stream_routes()},
      {"WebSocket", websocket_routes()},
      {"Codings", coding_routes()},
      {"Documents", document_routes()},
      {"Pictures", image_routes()},
      {"The wire", wire_routes()},
      {"Misbehaviour", misbehave_routes()},
      {"Teaching", block_routes()},
      {"Health and end", control_routes()},
      {"As a client", dial_routes()},
      {"This list", docs_routes()},
      {"Files", file_routes()},
  };
  return groups;
}

}  // namespace polyport::services::http
