#include "services/http/front_page.h"

#include "services/http/call.h"
#include "services/http/reference.h"
#include "services/http/route.h"

namespace polyport::services::http {
namespace {

// --- the doors -----------------------------------------------------------------------------------

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

// "example.org" of "example.org:8080"; an IPv6 literal keeps its brackets.
std::string host_of(Bytes authority) {
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == Bytes::npos ? 0 : bracket);
  const Bytes host = authority.substr(0, colon);
  return host.empty() ? "localhost" : std::string(host);
}

std::string host_of(const Address& address, const std::string& reached_host) {
  if (address.is_any()) return reached_host;
  if (address.is_loopback()) return "localhost";
  return address.family == Family::kIPv6 ? "[" + address.ip_text() + "]" : address.ip_text();
}

DoorLine door_line(const ServiceStatus& service, const ListenerStatus& listener,
                   const std::string& reached_host) {
  DoorLine line{service.name, std::string(service.summary),
                {},           std::string(name(listener.transport)),
                {},           {}};
  if (listener.transport == Transport::kUnix) {
    line.number = listener.bound;
    const bool has_scheme = listener.bound.starts_with("unix:");
    line.try_it = "polyport connect " + (has_scheme ? "" : std::string("unix://")) + listener.bound;
    return line;
  }
  line.number = std::to_string(listener.address.port);
  const std::string host = host_of(listener.address, reached_host);
  if (has_websocket(listener.transport)) {
    line.try_it =
        "python3 -m websockets " + line.transport + "://" + host + ":" + line.number + "/";
    return line;
  }
  std::string try_it(listener.try_it);
  // The program's own client needs to be told of UDP; another one in that place knows its protocol.
  if (listener.transport == Transport::kUdp && try_it.starts_with("polyport connect")) {
    try_it = replaced(std::move(try_it), "{host}", "udp://{host}");
  }
  if (is_encrypted(listener.transport)) {
    try_it = replaced(std::move(try_it), "curl http://", "curl -k https://");
    try_it = replaced(std::move(try_it), "open http://", "open https://");
    try_it = replaced(std::move(try_it), "irssi ", "irssi --tls ");
    try_it = replaced(std::move(try_it), "polyport connect ", "openssl s_client -quiet -connect ");
  }
  line.try_it = replaced(replaced(std::move(try_it), "{host}", host), "{port}", line.number);
  // A page of the service, where its line to try it names one: "curl
  // http://localhost:9901/healthz".
  const std::size_t address =
      line.try_it.find(is_encrypted(listener.transport) ? "https://" : "http://");
  if (address != std::string::npos) line.link = line.try_it.substr(address);
  return line;
}

// An endpoint on localhost has a listener a family; people see one door.
bool is_shown_already(const FrontPage& page, const DoorLine& line) {
  for (const DoorLine& other : page.doors) {
    if (other.service == line.service && other.transport == line.transport &&
        other.number == line.number && other.try_it == line.try_it) {
      return true;
    }
  }
  return false;
}

// --- the endpoints -------------------------------------------------------------------------------

EndpointGroup::Endpoint endpoint(const Route& route, const SiteOptions& options) {
  const std::string pattern = pattern_of(route, options);
  std::string link;
  if (route.methods == "*" || route.methods.starts_with("GET")) {
    // A folder stands where the options put it, so that its example in the table is not the link.
    const bool is_folder = route.when == Route::When::kFiles;
    link = options.prefix + (is_folder ? options.root_path + "/" : std::string(example_of(route)));
  }
  return {plain_pattern(pattern), std::string(route.summary), link};
}

std::vector<EndpointGroup> endpoint_groups(const SiteOptions& options) {
  std::vector<EndpointGroup> groups;
  for (const RouteGroup& group : route_groups()) {
    EndpointGroup shown{std::string(group.name), {}};
    for (const Route& route : group.routes) {
      if (is_there(route, options)) shown.endpoints.push_back(endpoint(route, options));
    }
    if (!shown.endpoints.empty()) groups.push_back(std::move(shown));
  }
  return groups;
}

std::string group_html(const EndpointGroup& group) {
  std::string out = "<h2>" + html_escaped(group.name) + "</h2>\n<table>\n";
  for (const EndpointGroup::Endpoint& one : group.endpoints) {
    const std::string path = "<code>" + html_escaped(one.path) + "</code>";
    out += "<tr><td>";
    out += one.link.empty() ? path : "<a href=\"" + html_escaped(one.link) + "\">" + path + "</a>";
    out += "</td><td>" + html_escaped(one.summary) + "</td></tr>\n";
  }
  return out + "</table>\n";
}

// --- writing -------------------------------------------------------------------------------------

std::string sockets_open(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " socket is" : " sockets are") +
         " open on this server right now";
}

std::string padded(const std::string& text, std::size_t width) {
  return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #666; --line: #ddd; --paper: #fdfdfb; --mark: #0a5c8f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e3; --soft: #9a9a9a; --line: #3a3a3a; --paper: #161616; --mark: #7cc4f0 }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 56rem; margin: 12vh auto 4rem; padding: 0 1.25rem }
h1 { font-size: clamp(1.5rem, 5vw, 2.6rem); font-weight: 600; line-height: 1.25; margin: 0 0 .5rem;
     letter-spacing: -.02em; overflow-wrap: anywhere }
h1 b { color: var(--mark); font-weight: 600; font-variant-numeric: tabular-nums }
p, small { color: var(--soft) }
ul { list-style: none; padding: 0; margin: 2.5rem 0 0; border-top: 1px solid var(--line) }
li { display: grid; grid-template-columns: 7rem 1fr; gap: 0 1.25rem; padding: .8rem 0;
     border-bottom: 1px solid var(--line) }
.number { font-size: 1.6rem; line-height: 1.4; font-variant-numeric: tabular-nums; overflow-wrap: anywhere }
.number small { display: block; font-size: .8rem }
a { color: var(--mark) }
h2 { font-size: 1rem; margin: 1.5rem 0 .25rem }
table { border-collapse: collapse; width: 100% }
td { padding: .15rem 1rem .15rem 0; vertical-align: baseline; overflow-wrap: anywhere }
td:first-child { width: 40% }
code { font: .9rem ui-monospace, monospace; overflow-wrap: anywhere }
</style>
)";

std::string door_html(const DoorLine& line) {
  const std::string number = html_escaped(line.number);
  std::string out = "<li><div class=\"number\">";
  out +=
      line.link.empty() ? number : "<a href=\"" + html_escaped(line.link) + "\">" + number + "</a>";
  out += "<small>" + html_escaped(line.transport) + "</small></div><div><strong>" +
         html_escaped(line.service) + "</strong> <small>" + html_escaped(line.summary) +
         "</small><br><code>" + html_escaped(line.try_it) + "</code></div></li>\n";
  return out;
}

}  // namespace

FrontPage front_page(const HostView& host, const Connection& connection, Bytes authority,
                     const SiteOptions& options) {
  FrontPage page;
  page.prefix = options.prefix;
  page.endpoints = endpoint_groups(options);
  page.you = connection.peer().text();
  page.reached = connection.local().text();
  page.server_name = host.server_name();
  page.sockets = host.open_connections();
  const std::string reached_host = host_of(authority);
  for (const ServiceStatus& service : host.services()) {
    if (service.state != ServiceState::kLive) continue;
    for (const ListenerStatus& listener : service.listeners) {
      if (!listener.is_open()) continue;
      DoorLine line = door_line(service, listener, reached_host);
      if (!is_shown_already(page, line)) page.doors.push_back(std::move(line));
    }
  }
  return page;
}

std::string front_page_text(const FrontPage& page) {
  std::string out = "You are " + page.you + ". You reached " + page.reached + ".\n";
  out += sockets_open(page.sockets) + ".\n\n";
  std::size_t width = 7;
  for (const DoorLine& line : page.doors)
    width = std::max(width, line.service.size());
  out += "port   " + padded("service", width) + "  try it\n";
  for (const DoorLine& line : page.doors)
    out += padded(line.number, 5) + "  " + padded(line.service, width) + "  " + line.try_it + "\n";
  out += "\nWhat this port can be asked for (a page to try it: " + page.prefix + "/docs):\n";
  for (const EndpointGroup& group : page.endpoints) {
    out += "\n" + group.name + "\n";
    for (const EndpointGroup::Endpoint& one : group.endpoints)
      out += "  " + padded(one.path, 36) + "  " + one.summary + "\n";
  }
  return out;
}

std::string front_page_html(const FrontPage& page) {
  std::string out(kHead);
  out += "<title>" + html_escaped(page.server_name) + "</title>\n</head>\n<body>\n<h1>You are <b>" +
         html_escaped(page.you) + "</b>.<br>You reached <b>" + html_escaped(page.reached) +
         "</b>.</h1>\n<p>" + sockets_open(page.sockets) + ".</p>\n<ul>\n";
  for (const DoorLine& line : page.doors)
    out += door_html(line);
  const std::string base = html_escaped(page.prefix);
  out += "</ul>\n<p>What this port can be asked for (<a href=\"" + base +
         "/docs\">try them</a>, <a href=\"" + base + "/openapi.json\">OpenAPI</a>):</p>\n";
  for (const EndpointGroup& group : page.endpoints)
    out += group_html(group);
  out += "</body>\n</html>\n";
  return out;
}

}  // namespace polyport::services::http
