#include "services/http/request_json.h"

#include <ctime>
#include <map>
#include <utility>
#include <vector>

#include "core/base/json_value.h"
#include "core/base/json_writer.h"
#include "core/base/text.h"
#include "core/http/base64.h"
#include "core/http/date.h"
#include "core/http/url.h"
#include "core/net/listener.h"
#include "core/ports/ranges.h"

namespace polyport::services::http {
namespace {

// Values grouped under their names, in the order the names first came.
class Groups {
 public:
  enum class Case : std::uint8_t { kMatters, kIgnored };
  explicit Groups(Case names) : case_(names) {}

  void add(const std::string& name, std::string value) {
    const std::string key = case_ == Case::kMatters ? name : to_lower(name);
    const auto [place, is_new] = places_.try_emplace(key, groups_.size());
    if (is_new) groups_.emplace_back(name, std::vector<std::string>{});
    groups_[place->second].second.push_back(std::move(value));
  }

  void write(JsonWriter& json, std::string_view key) const {
    json.key(key);
    json.begin_object();
    for (const auto& [name, values] : groups_) {
      json.key(name);
      json.begin_array();
      for (const std::string& value : values)
        json.value(value);
      json.end_array();
    }
    json.end_object();
  }

 private:
  Case case_;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
  std::map<std::string, std::size_t> places_;  // in groups_
};

void write_end(JsonWriter& json, std::string_view key, const Address& address) {
  json.key(key);
  if (!address.is_ip()) {
    json.value(address.text());
    return;
  }
  json.begin_object();
  json.field("address", address.ip_text());
  json.field("port", address.port);
  json.field("range", name(port_range(address.port)));
  json.field("ephemeral_here", ephemeral_range().contains(address.port));
  json.end_object();
}

std::string_view family_name(Family family) {
  switch (family) {
    case Family::kIPv4:
      return "ipv4";
    case Family::kIPv6:
      return "ipv6";
    case Family::kUnix:
      return "unix";
    case Family::kNone:
      break;
  }
  return "none";
}

std::string formatted(const std::tm& parts, const char* format) {
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

}  // namespace

std::string request_json(const polyport::http::Request& request, const Address& peer) {
  Groups arguments(Groups::Case::kMatters);
  polyport::http::for_each_argument(request.query, [&](const std::string& name, std::string value) {
    arguments.add(name, std::move(value));
  });
  Groups headers(Groups::Case::kIgnored);
  for (const auto& header : request.headers)
    headers.add(std::string(header.name), std::string(header.value));

  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("method", request.method);
  json.field("version",
             "HTTP/" + std::to_string(request.major) + "." + std::to_string(request.minor));
  json.field("target", request.target);
  json.field("path", polyport::http::percent_decode(request.path));
  arguments.write(json, "args");
  headers.write(json, "headers");
  json.field("origin", peer.ip_text());
  json.field("port", peer.port);
  if (is_utf8(request.body)) {
    json.field("body", request.body);
  } else {
    json.field("body",
               "data:application/octet-stream;base64," + polyport::http::base64(request.body));
  }
  if (is_json(request.body)) {
    json.key("json");
    json.raw(request.body);
  }
  json.end_object();
  out += '\n';
  return out;
}

std::string socket_json(const Connection& connection) {
  const Address peer = connection.peer();
  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("id", text(connection.id()));
  json.field("transport", peer.is_ip() ? "tcp" : "unix");
  json.field("family", family_name(peer.family));
  write_end(json, "client", peer);
  write_end(json, "server", connection.local());
  json.field("listener", connection.listener().id());
  json.field("requests", connection.requests());
  json.field("age_ms", connection.age().count());
  json.field("bytes_in", connection.bytes_in());
  json.field("bytes_out", connection.bytes_out());
  json.end_object();
  out += '\n';
  return out;
}

std::string time_json(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  constexpr std::int64_t kFrom1900To1970 = 2'208'988'800;
  const std::int64_t ms = duration_cast<milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(ms % 1000));
  char rfc1123[polyport::http::kDateSize];
  polyport::http::write_date(seconds, rfc1123);

  std::string out;
  JsonWriter json(out, JsonWriter::Style::kIndented);
  json.begin_object();
  json.field("unix", ms / 1000);
  json.field("unix_ms", ms);
  json.field("iso8601", formatted(parts, "%Y-%m-%dT%H:%M:%S") + fraction + "Z");
  json.field("rfc3339", formatted(parts, "%Y-%m-%dT%H:%M:%S") + "Z");
  json.field("rfc1123", std::string_view(rfc1123, sizeof rfc1123));
  json.field("ctime", formatted(parts, "%a %b %e %H:%M:%S %Y"));
  json.field("ntp", ms / 1000 + kFrom1900To1970);
  json.field("timezone", "UTC");
  json.end_object();
  out += '\n';
  return out;
}

}  // namespace polyport::services::http
