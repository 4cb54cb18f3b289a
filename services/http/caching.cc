// Caches: validators, Cache-Control, and headers of the client's choice.
#include <algorithm>
#include <ctime>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/http/characters.h"
#include "core/http/conditional.h"
#include "core/http/date.h"
#include "services/http/endpoints.h"
#include "services/http/groups.h"

namespace polyport::services::http {
namespace {

using Body = Route::Body;
using In = RouteParameter::In;

std::string request_json_of(Call& call) {
  return json_object([&](JsonWriter& json) { write_request(json, call); });
}

// --- caches --------------------------------------------------------------------------------------

void cache(Call& call) {
  const Request& request = call.request();
  if (request.find("If-Modified-Since") != nullptr || request.find("If-None-Match") != nullptr) {
    return call.respond(304, {}, {});
  }
  char date[polyport::http::kDateSize];
  polyport::http::write_date(std::time(nullptr), date);
  const Bytes modified(date, sizeof date);
  const std::string etag = "\"" + hex_digest(Hash::kSha1, modified) + "\"";
  call.json(request_json_of(call), 200, {{"Last-Modified", modified}, {"ETag", etag}});
}

void cache_for(Call& call) {
  const auto seconds = call.path_number("seconds", 0, 1'000'000'000'000);
  if (!seconds) return;
  const std::string value = "public, max-age=" + std::to_string(*seconds);
  call.json(request_json_of(call), 200, {{"Cache-Control", value}});
}

void etag(Call& call) {
  const std::string text = call.path("etag");
  const bool sound = std::all_of(text.begin(), text.end(), [](char character) {
    return static_cast<unsigned char>(character) > 0x20 && character != '"' && character != 0x7f;
  });
  if (!sound) return call.bad("etag", "a tag has no quotes, blanks or control characters");
  const std::string tag = "\"" + text + "\"";
  switch (polyport::http::evaluate(call.request(), {.etag = tag})) {
    case polyport::http::Precondition::kNotModified:
      return call.respond(304, {}, {}, {{"ETag", tag}});
    case polyport::http::Precondition::kFailed:
      return call.error(412, "the tag here is " + tag, {{"ETag", tag}});
    case polyport::http::Precondition::kHolds:
      return call.json(request_json_of(call), 200, {{"ETag", tag}});
  }
}

// --- headers of the client's choice --------------------------------------------------------------

bool belongs_to_server(std::string_view name) {
  for (const std::string_view own : {"Connection", "Content-Length", "Date", "Keep-Alive", "Server",
                                     "Transfer-Encoding", "Upgrade"}) {
    if (equals_ignoring_case(name, own)) return true;
  }
  return false;
}

// Whether the query may become headers or trailers; answers 400 where not.
bool are_good_fields(Call& call) {
  for (const auto& [name, value] : call.arguments().all()) {
    if (!polyport::http::is_token(name)) {
      call.bad(quoted(name, 60), "a field's name is made of letters, digits and !#$%&'*+-.^_`|~");
      return false;
    }
    if (belongs_to_server(name)) {
      call.bad(quoted(name, 60), "this field is the server's own");
      return false;
    }
    if (!polyport::http::all(polyport::http::kValueCharacter, value)) {
      call.bad(quoted(name, 60), "its value has a control character");
      return false;
    }
  }
  return true;
}

void response_headers(Call& call) {
  if (!are_good_fields(call)) return;
  std::vector<Header> headers;
  Bytes type = kJson;
  for (const auto& [name, value] : call.arguments().all()) {
    if (equals_ignoring_case(name, "Content-Type")) type = value;
    headers.push_back({name, value});
  }
  const bool risky = call.is_risky(type);
  Groups groups(Groups::Case::kIgnored);
  const auto shown = [&](std::string_view text) {
    return risky ? html_escaped(text) : std::string(text);
  };
  for (const Header& header : headers)
    groups.add(shown(header.name), shown(header.value));
  if (type == kJson) groups.add("Content-Type", std::string(kJson));
  std::string body;
  JsonWriter json(body, JsonWriter::Style::kIndented);
  groups.write(json);
  body += '\n';
  call.respond(200, type, body, headers);
}

// Fields that mean something before the body does (RFC 9110 section 6.5.1).
bool is_forbidden_trailer(std::string_view name) {
  for (const std::string_view forbidden :
       {"Authorization", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range",
        "Content-Type", "Host", "Max-Forwards", "Set-Cookie", "TE", "Trailer",
        "Transfer-Encoding"}) {
    if (equals_ignoring_case(name, forbidden)) return true;
  }
  return belongs_to_server(name);
}

void trailers(Call& call) {
  std::string names;
  std::vector<Header> fields;
  for (const auto& [name, value] : call.arguments().all()) {
    if (is_forbidden_trailer(name)) return call.bad(quoted(name, 60), "it may not be a trailer");
    names += (names.empty() ? "" : ", ") + name;
    fields.push_back({name, value});
  }
  if (!are_good_fields(call)) return;
  const auto body = request_with_body(call);
  if (!body) return;
  std::vector<Header> headers = {{"Content-Type", kJson}};
  if (!names.empty()) headers.push_back({"Trailer", names});
  Exchange& exchange = call.exchange();
  exchange.begin(200, headers, std::nullopt);
  exchange.write(*body);
  exchange.end(fields);
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kSeconds[] = {
    {.name = "seconds", .in = In::kPath, .type = "integer", .help = "for max-age"}};
constexpr RouteParameter kEtag[] = {
    {.name = "etag", .in = In::kPath, .help = "the tag, without its quotes"}};
constexpr RouteParameter kFields[] = {{.name = "…", .help = "name=value for each field"}};

}  // namespace

std::span<const Route> cache_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/cache", "304 where If-Modified-Since or If-None-Match is sent, else /get", cache},
      {"*", "/cache/{seconds}", "the answer of /get with Cache-Control: max-age", cache_for,
       kSeconds, "/cache/60"},
      {"*", "/etag/{etag}",
       "the answer of /get with that ETag; 304 by If-None-Match, 412 by "
       "If-Match",
       etag, kEtag, "/etag/v1"},
      {"*", "/response-headers", "headers of your choice", response_headers, kFields,
       "/response-headers?X-Mine=1"},
      {"*", "/trailers", "the answer of /anything with trailers of your choice behind it", trailers,
       kFields, "/trailers?X-Mine=1", Body::kBuffer},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
