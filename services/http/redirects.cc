// Redirects, to ourselves and to where the client says.
#include <algorithm>

#include "core/base/text.h"
#include "services/http/endpoints.h"

namespace polyport::services::http {
namespace {

using In = RouteParameter::In;

constexpr std::int64_t kMostRedirects = 1'000'000;

enum class Location : std::uint8_t { kRelative, kAbsolute };

void redirect_on(Call& call, Location kind) {
  const auto count = call.path_number("n", 1, kMostRedirects);
  if (!count) return;
  const std::string_view again =
      kind == Location::kRelative ? "/relative-redirect/" : "/absolute-redirect/";
  const std::string path =
      call.local(*count == 1 ? "/get" : std::string(again) + std::to_string(*count - 1));
  call.redirect(302, kind == Location::kRelative ? path : call.absolute(path));
}

void redirect(Call& call) {
  const bool absolute = equals_ignoring_case(call.arguments().value("absolute"), "true");
  redirect_on(call, absolute ? Location::kAbsolute : Location::kRelative);
}

void relative_redirect(Call& call) {
  redirect_on(call, Location::kRelative);
}

void absolute_redirect(Call& call) {
  redirect_on(call, Location::kAbsolute);
}

// --- to anywhere ---------------------------------------------------------------------------------

// The host that a browser would go to for a Location; empty where it stays on this server. Browsers
// read a backslash as a slash and drop tabs and line ends, so "/\host" leads away as "//host" does.
std::string host_of(std::string_view url) {
  std::string text;
  for (const char character : url) {
    if (static_cast<unsigned char>(character) > 0x20) text += character == '\\' ? '/' : character;
  }
  const std::size_t colon = text.find(':');
  const std::size_t slash = text.find('/');
  if (colon != std::string::npos && (slash == std::string::npos || colon < slash)) {
    text.erase(0, colon + 1);  // a scheme
    text.erase(0, std::min(text.find_first_not_of('/'), text.size()));
  } else if (text.starts_with("//")) {
    text.erase(0, std::min(text.find_first_not_of('/'), text.size()));
  } else {
    return {};
  }
  text.erase(std::min(text.find_first_of("/?#"), text.size()));
  const std::size_t at = text.rfind('@');
  if (at != std::string::npos) text.erase(0, at + 1);
  const std::size_t bracket = text.find(']');
  const std::size_t port = text.find(':', bracket == std::string::npos ? 0 : bracket);
  text.erase(std::min(port, text.size()));
  return text.empty() ? "(none)" : to_lower(text);
}

void redirect_to(Call& call) {
  const std::string* const url = call.arguments().find("url");
  if (url == nullptr || url->empty()) return call.bad("url", "say where to: /redirect-to?url=/get");
  const bool printable = std::none_of(url->begin(), url->end(), [](char character) {
    return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
  });
  if (!printable) return call.bad("url", "it has a control character");
  const auto& allowed = call.options().allowed_redirects;
  const std::string host = host_of(*url);
  if (!host.empty() && !allowed.empty() &&
      std::find(allowed.begin(), allowed.end(), host) == allowed.end()) {
    std::string known;
    for (const std::string& one : allowed)
      known += "\n- " + one;
    return call.text("Forbidden redirect URL: only these hosts are allowed here:" + known + "\n",
                     403);
  }
  const auto status = call.number("status_code", 302, 300, 399);
  if (!status) return;
  const bool own = url->starts_with('/') && host.empty();
  call.redirect(static_cast<int>(*status), own ? call.local(*url) : *url);
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kCount[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "1 to 1000000"}};
constexpr RouteParameter kRedirect[] = {
    {.name = "n", .in = In::kPath, .type = "integer", .help = "1 to 1000000"},
    {.name = "absolute",
     .type = "boolean",
     .fallback = "false",
     .help = "true: with scheme and host"}};
constexpr RouteParameter kTo[] = {
    {.name = "url",
     .help = "where to; required; its host must be among allowed_redirects, if there are any"},
    {.name = "status_code", .type = "integer", .fallback = "302", .help = "300 to 399"}};

}  // namespace

std::span<const Route> redirect_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/redirect/{n}", "302, n times, then /get", redirect, kRedirect, "/redirect/3"},
      {"*", "/relative-redirect/{n}", "the same with a path as Location", relative_redirect, kCount,
       "/relative-redirect/3"},
      {"*", "/absolute-redirect/{n}", "the same with a URL as Location", absolute_redirect, kCount,
       "/absolute-redirect/3"},
      {"*", "/redirect-to", "a redirect to any URL", redirect_to, kTo, "/redirect-to?url=/get"},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
