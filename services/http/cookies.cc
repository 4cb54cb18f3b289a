// Cookies (RFC 6265): those that came, set and deleted by the query.
#include <algorithm>

#include "core/base/text.h"
#include "core/http/characters.h"
#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;
using Cookie = std::pair<std::string, std::string>;

std::vector<Cookie> cookies_of(const Request& request) {
  std::vector<Cookie> cookies;
  for (const Header& header : request.headers) {
    if (!equals_ignoring_case(header.name, "Cookie")) continue;
    for (const std::string_view part : split(header.value, ';')) {
      const std::size_t equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      std::string_view value = trim(part.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      cookies.emplace_back(trim(part.substr(0, equals)), value);
    }
  }
  return cookies;
}

void cookies(Call& call) {
  call.json(json_object([&](JsonWriter& json) {
    std::vector<std::string> written;  // of two cookies with one name the last counts
    const std::vector<Cookie> all = cookies_of(call.request());
    for (const Cookie& cookie : all) {
      if (std::find(written.begin(), written.end(), cookie.first) != written.end()) continue;
      written.push_back(cookie.first);
      const auto last = std::find_if(
          all.rbegin(), all.rend(), [&](const Cookie& each) { return each.first == cookie.first; });
      json.field(cookie.first, last->second);
    }
  }));
}

// --- setting -------------------------------------------------------------------------------------

bool is_cookie_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char character) {
    const auto code = static_cast<unsigned char>(character);
    return code > 0x20 && code < 0x7f && character != '"' && character != ',' && character != ';' &&
           character != '\\';
  });
}

// "attr[Path]" gives "Path"; anything else nothing.
std::string_view attribute_name(std::string_view name) {
  if (!name.starts_with("attr[") || !name.ends_with(']')) return {};
  return name.substr(5, name.size() - 6);
}

bool is_off(std::string_view value) {
  return equals_ignoring_case(value, "false") || value == "0";
}

// The attributes that the query asks for, "; Path=/; Secure"; nothing where one is answered with
// 400. HttpOnly is there unless it is refused.
std::optional<std::string> attributes(Call& call) {
  std::string text;
  bool http_only = true;
  for (const auto& [name, value] : call.arguments().all()) {
    const std::string_view attribute = attribute_name(name);
    if (attribute.empty()) continue;
    const bool plain = value.find_first_of(";\r\n") == std::string::npos;
    if (equals_ignoring_case(attribute, "HttpOnly")) {
      http_only = !is_off(value);
    } else if (equals_ignoring_case(attribute, "Secure")) {
      if (!is_off(value)) text += "; Secure";
    } else if (equals_ignoring_case(attribute, "SameSite") &&
               (equals_ignoring_case(value, "Lax") || equals_ignoring_case(value, "Strict") ||
                equals_ignoring_case(value, "None"))) {
      text += "; SameSite=" + value;
    } else if (plain && (equals_ignoring_case(attribute, "Path") ||
                         equals_ignoring_case(attribute, "Domain"))) {
      text.append("; ").append(attribute).append("=").append(value);
    } else if (equals_ignoring_case(attribute, "Max-Age") && parse_number(value)) {
      text += "; Max-Age=" + value;
    } else {
      call.bad(name,
               "there are Path, Domain, Max-Age, Secure, HttpOnly, SameSite (Lax, Strict or "
               "None), without a semicolon in their value");
      return std::nullopt;
    }
  }
  if (http_only) text += "; HttpOnly";
  return text;
}

void set_all(Call& call, const std::vector<Cookie>& wanted, std::string_view first_attribute = {}) {
  const auto more = attributes(call);
  if (!more) return;
  std::vector<std::string> lines;
  for (const auto& [name, value] : wanted) {
    if (!polyport::http::is_token(name)) {
      return call.bad(quoted(name, 60),
                      "a cookie's name is made of letters, digits and !#$%&'*+-.^_`|~");
    }
    if (!is_cookie_value(value)) {
      return call.bad(quoted(name, 60),
                      "a cookie's value is visible ASCII without quotes, commas, "
                      "semicolons and backslashes");
    }
    lines.push_back(name + "=" + value + std::string(first_attribute) + *more);
  }
  const std::string location = call.local("/cookies");
  std::vector<Header> headers = {{"Location", location}};
  for (const std::string& line : lines)
    headers.push_back({"Set-Cookie", line});
  call.respond(302, {}, {}, headers);
}

void set(Call& call) {
  std::vector<Cookie> wanted;
  for (const auto& [name, value] : call.arguments().all()) {
    if (attribute_name(name).empty()) wanted.emplace_back(name, value);
  }
  set_all(call, wanted);
}

void set_one(Call& call) {
  // Without a path of its own the cookie would come back to this very address only.
  set_all(call, {{call.path("name"), call.path("value")}}, "; Path=/");
}

void remove(Call& call) {
  const std::string location = call.local("/cookies");
  std::vector<std::string> lines;
  for (const auto& argument : call.arguments().all()) {
    if (!polyport::http::is_token(argument.first)) {
      return call.bad(quoted(argument.first, 60), "this is no cookie's name");
    }
    lines.push_back(argument.first +
                    "=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly");
  }
  std::vector<Header> headers = {{"Location", location}};
  for (const std::string& line : lines)
    headers.push_back({"Set-Cookie", line});
  call.respond(302, {}, {}, headers);
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kSet[] = {
    {.name = "…", .help = "name=value for each cookie"},
    {.name = "attr[…]",
     .help = "attributes of them all: attr[Path]=/, Domain, Max-Age, Secure, "
             "HttpOnly (on unless false), SameSite"}};
constexpr RouteParameter kSetOne[] = {{.name = "name", .in = In::kPath, .help = "of the cookie"},
                                      {.name = "value", .in = In::kPath, .help = "of the cookie"}};
constexpr RouteParameter kDelete[] = {{.name = "…", .help = "the name of each cookie"}};

}  // namespace

std::span<const Route> cookie_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/cookies", "the cookies that came", cookies},
      {"*", "/cookies/set", "sets cookies and sends you to /cookies", set, kSet,
       "/cookies/set?a=1&attr[Path]=/"},
      {"*", "/cookies/set/{name}/{value}", "sets one cookie", set_one, kSetOne, "/cookies/set/a/1"},
      {"*", "/cookies/delete", "deletes cookies and sends you to /cookies", remove, kDelete,
       "/cookies/delete?a"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
