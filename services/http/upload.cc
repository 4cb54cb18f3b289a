// /upload: takes a body of any size, keeps none of it, and says how much it was.
#include <algorithm>

#include "core/base/text.h"
#include "core/base/units.h"
#include "services/http/upload.h"

namespace polyport::services::http {
namespace {

struct Upload {
  std::uint64_t bytes = 0;
};

Upload* upload_of(Exchange& exchange) {
  return static_cast<Upload*>(exchange.state());
}

void forget(Exchange& exchange) {
  delete upload_of(exchange);
  exchange.set_state(nullptr);
}

std::optional<std::uint64_t> announced_bytes(const Request& request) {
  return parse_number<std::uint64_t>(request.value("Content-Length"));
}

}  // namespace

polyport::http::Handler::Body UploadHandler::on_head(Exchange& exchange) {
  const std::uint64_t most = site_.options().max_upload;
  if (most != 0 && announced_bytes(exchange.request()).value_or(0) > most) {
    refuse(exchange);
    return Body::kDiscard;
  }
  exchange.set_state(new Upload);
  return Body::kStream;
}

void UploadHandler::on_body(Exchange& exchange, Bytes piece) {
  Upload* const upload = upload_of(exchange);
  if (upload == nullptr) return;
  upload->bytes += piece.size();
  const std::uint64_t most = site_.options().max_upload;
  if (most == 0 || upload->bytes <= most) return;
  forget(exchange);
  refuse(exchange);
}

void UploadHandler::on_request(Exchange& exchange) {
  const std::uint64_t bytes = upload_of(exchange)->bytes;
  forget(exchange);
  const Parameters none;
  Call call(site_, exchange, none);
  call.json(json_object([&](JsonWriter& json) { json.field("bytes_received", bytes); }));
}

void UploadHandler::on_abort(Exchange& exchange) {
  forget(exchange);
}

void UploadHandler::refuse(Exchange& exchange) const {
  exchange.respond_error(
      413, "the body is larger than max_upload, " + format_size(site_.options().max_upload));
}

}  // namespace polyport::services::http
