#include "app/admin/pages.h"

#include <array>
#include <utility>

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
  answer_refreshed(exchange, found->second);
}

void Pages::answer_refreshed(http::Exchange& exchange, const Entry& entry) {
  if (entry.host == nullptr) return answer(exchange, entry.page);
  const auto waiting = std::make_shared<Waiting>(Waiting{&exchange, &entry.page});
  entry.host->refresh([waiting] {
    http::Exchange* const asked = std::exchange(waiting->exchange, nullptr);
    if (asked != nullptr) answer(*asked, *waiting->page);
  });
  if (waiting->exchange == nullptr) return;  // that was at once
  exchange.keep();
  std::erase_if(waiting_, [](const std::weak_ptr<Waiting>& each) { return each.expired(); });
  waiting_.push_back(waiting);
}

void Pages::on_abort(http::Exchange& exchange) {
  for (const std::weak_ptr<Waiting>& each : waiting_) {
    const std::shared_ptr<Waiting> waiting = each.lock();
    if (waiting && waiting->exchange == &exchange) waiting->exchange = nullptr;
  }
}

void Pages::answer(http::Exchange& exchange, const Page& page) {
  const Answer answer = page();
  // The pages change from one moment to the next.
  const std::array<http::Header, 2> headers = {
      {{"Content-Type", answer.content_type}, {"Cache-Control", "no-store"}}};
  exchange.respond(answer.status, headers, answer.body);
}

}  // namespace polyport
