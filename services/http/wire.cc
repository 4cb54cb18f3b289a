// The wire: a request byte for byte as it arrived, and the connection underneath.
#include <cstdio>

#include "core/base/text.h"
#include "services/http/endpoints.h"
#include "services/http/request_json.h"

namespace polyport::services::http {
namespace {

using polyport::http::Handler;

// "00000010  48 54 54 50 …  |HTTP…|", sixteen bytes a line.
std::string hex_dump(Bytes bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const Bytes line = bytes.substr(at, 16);
    char number[24];
    std::snprintf(number, sizeof number, "%08zx ", at);
    out += number;
    for (std::size_t i = 0; i < 16; ++i) {
      if (i == 8) out += ' ';
      std::snprintf(number, sizeof number, " %02x",
                    i < line.size() ? static_cast<unsigned char>(line[i]) : 0u);
      out += i < line.size() ? number : "   ";
    }
    out += "  |";
    for (const char byte : line)
      out += byte >= 0x20 && byte < 0x7f ? byte : '.';
    out += "|\n";
  }
  return out;
}

// Each line of the head with its offset, and what ends it; then the body.
std::string wire_json(Bytes head, Bytes body) {
  return json_object([&](JsonWriter& json) {
    json.field("bytes", head.size() + body.size());
    json.key("head");
    json.begin_array();
    for (std::size_t at = 0; at < head.size();) {
      const std::size_t end = std::min(head.find("\r\n", at), head.size());
      json.begin_object();
      json.field("offset", at);
      json.field("line", head.substr(at, end - at));
      json.end_object();
      at = end + 2;
    }
    json.end_array();
    json.field("body_offset", head.size());
    json.field("body", body);
  });
}

void answer_wire(Call& call) {
  const Bytes head = call.request().wire_head;
  const Bytes body = call.request().wire_body;
  const std::string_view format = call.arguments().value("format");
  if (format == "json") return call.json(wire_json(head, body));
  const std::string all = std::string(head).append(body);
  if (format == "hex") return call.text(hex_dump(all));
  if (!format.empty() && format != "text")
    return call.bad("format", "there are text, hex and json");
  call.text(all, 200, {{"Cache-Control", "no-store"}});
}

// Has the engine keep the body as it arrives.
class WireHandler final : public Handler {
 public:
  explicit WireHandler(Site& site) : site_(site) {}
  Body on_head(Exchange& exchange) override {
    exchange.record_wire();
    return Body::kBuffer;
  }
  void on_request(Exchange& exchange) override {
    const Parameters none;
    Call call(site_, exchange, none);
    answer_wire(call);
  }

 private:
  Site& site_;
};

Handler* make_wire(Site& site) {
  return new WireHandler(site);
}

void socket(Call& call) {
  call.json(socket_json(call.exchange().connection()), 200, {{"Cache-Control", "no-store"}});
}

constexpr RouteParameter kWire[] = {{.name = "format",
                                     .fallback = "text",
                                     .help = "text, hex (with offsets) or json (line by line)"}};

constexpr Route wire_route(std::string_view pattern, std::string_view summary) {
  return {
      "*",      pattern, summary, nullptr, kWire, {}, Route::Body::kBuffer, Route::When::kAlways,
      make_wire};
}

}  // namespace

std::span<const Route> wire_routes() {
  static constexpr Route kRoutes[] = {
      wire_route("/wire", "your request byte for byte, chunk framing and all"),
      wire_route("/dump/request", "the same, as go-httpbin names it"),
      {"*", "/socket", "the connection underneath: both ends, ranges, bytes, what TCP measured",
       socket},
  };
  return kRoutes;
}

}  // namespace polyport::services::http
