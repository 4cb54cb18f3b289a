#include "app/admin/pages.h"

#include <array>

namespace polyport {

Pages::Body Pages::on_head(http::Exchange&) {
  return Body::kDiscard;
}

void Pages::on_request(http::Exchange& exchange) {
  const http::Request& request = exchange.request();
  if (guard_) {
    const std::string_view refusal = guard_(request);
    if (!refusal.empty()) return exchange.respond_error(403, refusal);
  }
  const auto found = pages_.find(request.path);
  if (found == pages_.end()) {
    std::string known;
    for (const auto& [path, page] : pages_)
      known += (known.empty() ? "" : ", ") + path;
    return exchange.respond_error(404, "the pages here are " + known);
  }
  if (request.method != "GET" && request.method != "HEAD") {
    const std::array<http::Header, 1> allow = {{{"Allow", "GET, HEAD"}}};
    return exchange.respond_error(405, "this page can only be read: use GET", allow);
  }
  const Answer answer = found->second();
  // The pages change from one moment to the next.
  const std::array<http::Header, 2> headers = {
      {{"Content-Type", answer.content_type}, {"Cache-Control", "no-store"}}};
  exchange.respond(answer.status, headers, answer.body);
}

}  // namespace polyport
