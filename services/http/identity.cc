// Who asks, who answers, and when.
#include <ifaddrs.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/digest.h"
#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/now.h"
#include "services/http/timed_task.h"

namespace polyport::services::http {
namespace {

constexpr Header kFresh{"Cache-Control", "no-store"};

bool wants_text(Call& call) {
  return call.arguments().value("format") == "text";
}

void ip(Call& call) {
  const std::string address = call.client().ip;
  if (wants_text(call)) return call.text(address);
  call.json(json_object([&](JsonWriter& json) { json.field("origin", address); }));
}

std::string address_and_port(const Client& client) {
  if (client.port == 0) return client.ip;
  const bool v6 = client.ip.find(':') != std::string::npos;
  return (v6 ? "[" + client.ip + "]" : client.ip) + ":" + std::to_string(client.port);
}

void client_ip(Call& call) {
  call.text(address_and_port(call.client()));
}

void uuid(Call& call) {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // its variant (RFC 9562)
  std::string text = hex(bytes);
  for (const std::size_t at : {20u, 16u, 12u, 8u})
    text.insert(at, 1, '-');
  call.json(json_object([&](JsonWriter& json) { json.field("uuid", text); }), 200, {kFresh});
}

void hostname(Call& call) {
  if (wants_text(call)) return call.text(call.options().hostname);
  call.json(
      json_object([&](JsonWriter& json) { json.field("hostname", call.options().hostname); }));
}

// --- the environment -----------------------------------------------------------------------------

constexpr std::string_view kEnvPrefix = "POLYPORT_ENV_";

std::vector<std::pair<std::string, std::string>> shown_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(kEnvPrefix) || equals == std::string_view::npos) continue;
    found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

void env(Call& call) {
  call.json(json_object([](JsonWriter& json) {
    json.key("env");
    json.begin_object();
    for (const auto& [name, value] : shown_environment())
      json.field(name, value);
    json.end_object();
  }));
}

void version(Call& call) {
  call.json(json_object([&](JsonWriter& json) {
    json.field("name", call.site().host().server_name());
    json.field("version", POLYPORT_VERSION);
  }));
}

// --- whoami --------------------------------------------------------------------------------------

std::vector<std::string> own_addresses() {
  ifaddrs* list = nullptr;
  std::vector<std::string> found;
  if (::getifaddrs(&list) != 0) return found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const Address address = Address::from(entry->ifa_addr);
    if (address.is_ip()) found.push_back(address.ip_text());
  }
  ::freeifaddrs(list);
  return found;
}

std::string whoami_text(Call& call) {
  const Request& request = call.request();
  std::string out =
      "Name: " + call.site().instance() + "\nHostname: " + call.options().hostname + "\n";
  for (const std::string& address : own_addresses())
    out += "IP: " + address + "\n";
  out += "RemoteAddr: " + call.exchange().connection().peer().text() + "\n";
  out.append(request.method).append(" ").append(request.target).append(" HTTP/");
  out += std::to_string(request.major) + "." + std::to_string(request.minor) + "\n";
  for (const Header& header : request.headers)
    out.append(header.name).append(": ").append(header.value).append("\n");
  if (call.arguments().value("env") == "true") {
    for (const auto& [name, value] : shown_environment())
      out += name + "=" + value + "\n";
  }
  return out;
}

void whoami(Call& call) {
  const auto wait = call.duration("wait", {});
  if (!wait) return;
  answer_after(call, *wait, [](Call& later) { later.text(whoami_text(later), 200, {kFresh}); });
}

// --- the time ------------------------------------------------------------------------------------

void now(Call& call) {
  const std::vector<TimeFormat> formats = time_formats(std::chrono::system_clock::now());
  const std::string_view wanted = call.arguments().value("format");
  if (wanted.empty()) {
    return call.json(json_object([&](JsonWriter& json) {
                       for (const TimeFormat& format : formats) {
                         json.key(format.name);
                         format.is_number ? json.raw(format.text) : json.value(format.text);
                       }
                     }),
                     200, {kFresh});
  }
  std::string known;
  for (const TimeFormat& format : formats) {
    if (format.name == wanted) return call.text(format.text + "\n", 200, {kFresh});
    known.append(known.empty() ? "" : ", ").append(format.name);
  }
  call.bad("format", "there are " + known);
}

// --- the table -----------------------------------------------------------------------------------

constexpr RouteParameter kFormat[] = {{.name = "format", .help = "text: the bare value"}};
constexpr RouteParameter kNow[] = {
    {.name = "format", .help = "one of them alone, as text: unix, unix_ms, iso8601, rfc1123, …"}};
constexpr RouteParameter kWhoami[] = {
    {.name = "wait", .fallback = "0s", .help = "answer after so long, up to max_duration"},
    {.name = "env", .type = "boolean", .help = "true: POLYPORT_ENV_* as well"}};

}  // namespace

std::span<const Route> identity_routes() {
  static constexpr Route kRoutes[] = {
      {"*", "/ip", "your address", ip, kFormat},
      {"*", "/clientip", "your address and port, as text", client_ip},
      {"*", "/uuid", "a random UUID (version 4)", uuid},
      {"*", "/hostname", "the name of this machine", hostname, kFormat},
      {"*", "/env", "environment variables that begin with POLYPORT_ENV_", env},
      {"*", "/version", "name and version of this server", version},
      {"*", "/whoami", "this machine, your address and your request, as text", whoami, kWhoami},
      {"GET", "/now", "the time in every usual format", now, kNow},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
