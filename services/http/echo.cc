// The endpoints that tell a request back, in go-httpbin's form: lists under every name, 400 for a
// body that is not what its Content-Type says.
#include "core/base/json_value.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/form.h"
#include "core/http/parameters.h"
#include "services/http/endpoints.h"
#include "services/http/groups.h"
#include "services/http/jwt.h"
#include "services/http/request_json.h"
#include "services/http/tls_json.h"

namespace polyport::services::http {
namespace {

using Body = Route::Body;

// --- the body ------------------------------------------------------------------------------------

std::string data_url(Bytes content_type, Bytes bytes) {
  const std::string type(content_type.empty() ? kOctets : content_type);
  return "data:" + type + ";base64," + polyport::http::base64(bytes);
}

std::string text_or_data_url(Bytes content_type, Bytes bytes) {
  return is_utf8(bytes) ? std::string(bytes) : data_url(content_type, bytes);
}

struct ReadBody {
  std::string data;
  Groups form;
  Groups files;
  bool is_json = false;
};

polyport::http::Refusal read_form(Bytes body, ReadBody& read) {
  std::vector<polyport::http::FormField> fields;
  const auto bad = polyport::http::parse_form(body, fields);
  for (auto& field : fields)
    read.form.add(field.name, std::move(field.value));
  return bad;
}

polyport::http::Refusal read_multipart(Bytes body, Bytes content_type, ReadBody& read) {
  std::vector<polyport::http::FormPart> parts;
  const std::string boundary = polyport::http::parameter_of(content_type, "boundary").value_or("");
  const auto bad = polyport::http::parse_multipart(body, boundary, parts);
  for (const auto& part : parts) {
    Groups& group = part.filename ? read.files : read.form;
    group.add(part.name, text_or_data_url(part.content_type, part.body));
  }
  return bad;
}

polyport::http::Refusal read_body(const Request& request, ReadBody& read) {
  const Bytes body = request.body;
  if (body.empty()) return {};
  const Bytes content_type = request.value("Content-Type");
  const std::string type = to_lower(polyport::http::without_parameters(content_type));
  read.data = text_or_data_url(type, body);
  if (type == "application/x-www-form-urlencoded") return read_form(body, read);
  if (type == "multipart/form-data") return read_multipart(body, content_type, read);
  if (type == "application/json") {
    read.is_json = JsonValue::parse(body).has_value();
    if (!read.is_json) return {400, "the body is no JSON, though its Content-Type says so"};
  } else if (!type.starts_with("text/")) {
    read.data = data_url(type, body);
  }
  return {};
}

// --- actions -------------------------------------------------------------------------------------

void get(Call& call) {
  call.json(json_object([&](JsonWriter& json) { write_request(json, call); }));
}

void with_body(Call& call) {
  answer_with_request(call);
}

void headers(Call& call) {
  call.json(json_object(
      [&](JsonWriter& json) { grouped(call.request().headers).write(json, "headers"); }));
}

void user_agent(Call& call) {
  call.json(json_object(
      [&](JsonWriter& json) { json.field("user-agent", call.request().value("User-Agent")); }));
}

void header(Call& call) {
  const std::string_view name = call.arguments().value("key");
  if (name.empty()) return call.bad("key", "name a header: /header?key=User-Agent");
  call.text(std::string(call.request().value(name)));
}

// The request as this server read it: target, version, path and body beside the rest.
void echo(Call& call) {
  call.json(request_json(call.request(), call.exchange().connection()), 200,
            {{"Cache-Control", "no-store"}});
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kAnyArgument[] = {
    {.name = "…", .help = "any arguments: they come back as lists"}};
constexpr RouteParameter kKey[] = {{.name = "key", .help = "the name of the header; required"}};

}  // namespace

void write_request(JsonWriter& json, Call& call) {
  const Request& request = call.request();
  grouped_arguments(request.query).write(json, "args");
  grouped(request.headers).write(json, "headers");
  json.field("method", request.method);
  json.field("origin", call.client().ip);
  write_client_certificate(json, call.exchange().connection());
  json.field("url", call.url());
  write_jwt(json, request);
}

std::optional<std::string> request_with_body(Call& call) {
  ReadBody read;
  if (const auto bad = read_body(call.request(), read)) {
    call.error(bad.status, "the request body: " + std::string(bad.detail));
    return std::nullopt;
  }
  return json_object([&](JsonWriter& json) {
    write_request(json, call);
    json.field("data", read.data);
    read.files.write(json, "files");
    read.form.write(json, "form");
    json.key("json");
    json.raw(read.is_json ? call.request().body : Bytes("null"));
  });
}

void answer_with_request(Call& call, Call::HeaderList more) {
  if (const auto body = request_with_body(call)) call.json(*body, 200, more);
}

std::span<const Route> echo_routes() {
  static constexpr Route kRoutes[] = {
      {"GET", "/get", "the request: arguments, headers, method, origin, url", get, kAnyArgument},
      {"HEAD", "/head", "the head of /get", get, kAnyArgument},
      {"POST",
       "/post",
       "the request with its body: data, files, form, json",
       with_body,
       kAnyArgument,
       {},
       Body::kBuffer},
      {"PUT", "/put", "the same for PUT", with_body, kAnyArgument, {}, Body::kBuffer},
      {"PATCH", "/patch", "the same for PATCH", with_body, kAnyArgument, {}, Body::kBuffer},
      {"DELETE", "/delete", "the same for DELETE", with_body, kAnyArgument, {}, Body::kBuffer},
      {"*",
       "/anything",
       "the request, whatever its method, with a body or without",
       with_body,
       kAnyArgument,
       {},
       Body::kBuffer},
      {"*", "/anything/{rest:path}", "the same below any path", with_body, kAnyArgument,
       "/anything/a/b", Body::kBuffer},
      {"*",
       "/echo",
       "the request as the server read it: target, version, path, body",
       echo,
       kAnyArgument,
       {},
       Body::kBuffer},
      {"*", "/headers", "the headers, in their order and case", headers},
      {"*", "/header", "the value of one header, as text", header, kKey, "/header?key=User-Agent"},
      {"*", "/user-agent", "the User-Agent header", user_agent},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
