// The routes of each subject, for the table in routes.cc; and what the subjects share.
#pragma once

#include <span>

#include "services/http/call.h"
#include "services/http/route.h"

namespace polyport::services::http {

std::span<const Route> front_routes();     // index, plain, what a visitor meets first
std::span<const Route> echo_routes();      // the request, told back
std::span<const Route> identity_routes();  // who the client is, who the server is, what time it is
std::span<const Route> status_routes();    // statuses, failures, delays
std::span<const Route> redirect_routes();
std::span<const Route> cookie_routes();
std::span<const Route> auth_routes();
std::span<const Route> cache_routes();
std::span<const Route> byte_routes();  // bytes, ranges, links
std::span<const Route> stream_routes();
std::span<const Route> coding_routes();    // compressed answers, base64
std::span<const Route> document_routes();  // fixed documents
std::span<const Route> image_routes();
std::span<const Route> wire_routes();       // the request and the connection, as they are
std::span<const Route> misbehave_routes();  // answers that are wrong on purpose
std::span<const Route> block_routes();
std::span<const Route> control_routes();  // health, readiness, the end
std::span<const Route> docs_routes();     // the endpoints themselves: OpenAPI, a page to try them
std::span<const Route> file_routes();
std::span<const Route> websocket_routes();
std::span<const Route> dial_routes();  // this server as a client

// Arguments, headers, method, origin and url of a request, as go-httpbin names them.
void write_request(JsonWriter& json, Call& call);
// The answer of /anything: the request with its body. Answers 400 where the body is not what its
// Content-Type says.
void answer_with_request(Call& call, Call::HeaderList more = {});
// The same as text; nothing where it has answered 400.
std::optional<std::string> request_with_body(Call& call);

}  // namespace polyport::services::http
