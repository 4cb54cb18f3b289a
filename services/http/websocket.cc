#include "services/http/websocket.h"

#include <algorithm>
#include <limits>
#include <string>

#include "core/base/text.h"
#include "core/http/url.h"
#include "services/http/request_json.h"

namespace polyport::services::http {
namespace {

using polyport::http::Deflate;
using polyport::http::Exchange;
using polyport::http::MessageKind;
using polyport::http::WebSocket;
using polyport::http::WebSocketOptions;
using polyport::http::WebSocketSetup;

// The service's state of a connection, where it has any.
char wants_hello;

// What the client asks for; `error` says what cannot be.
struct Wishes {
  std::uint64_t max_fragment;
  std::uint64_t max_message;
  bool hello = false;
  std::string error;
};

void read_size(std::string_view name, std::string_view text, std::uint64_t most,
               std::uint64_t& into, std::string& error) {
  if (text.empty() || !error.empty()) return;
  const auto size = parse_number<std::uint64_t>(text, 1, most);
  if (size) {
    into = *size;
  } else {
    error = std::string(name) + ": " + quoted(text, 40) + " is no number from 1 to max_body, " +
            std::to_string(most);
  }
}

Wishes read_wishes(Bytes query, std::uint64_t most) {
  Wishes wishes{.max_fragment = std::max<std::uint64_t>(most / 2, 1), .max_message = most};
  polyport::http::for_each_argument(query, [&](const std::string& name, const std::string& value) {
    if (name == "max_fragment_size") {
      read_size(name, value, most, wishes.max_fragment, wishes.error);
    } else if (name == "max_message_size") {
      read_size(name, value, most, wishes.max_message, wishes.error);
    } else if (name == "hello") {
      wishes.hello = value == "true" || value == "1";
      if (!wishes.hello && value != "false" && value != "0") {
        wishes.error = "hello: it is true or false";
      }
    }
  });
  if (wishes.error.empty() && wishes.max_fragment > wishes.max_message) {
    wishes.error = "max_fragment_size, " + std::to_string(wishes.max_fragment) +
                   ", must not be larger than max_message_size, " +
                   std::to_string(wishes.max_message);
  }
  return wishes;
}

WebSocketOptions options() {
  WebSocketOptions options;
  options.deflate = Deflate::kContext;
  return options;
}

}  // namespace

WebSocketEcho::WebSocketEcho(const Limits& limits) : limits_(limits), server_(*this, options()) {
  limits_.max_body =
      std::clamp<std::uint64_t>(limits.max_body, 1, std::numeric_limits<std::int32_t>::max());
}

void WebSocketEcho::answer(Exchange& exchange) {
  const Wishes wishes = read_wishes(exchange.request().query, limits_.max_body);
  if (!wishes.error.empty()) {
    exchange.respond_error(400, wishes.error);
    return;
  }
  WebSocketSetup setup;
  setup.limits.max_message = static_cast<std::uint32_t>(wishes.max_message);
  setup.limits.max_frame = setup.max_sent_frame = static_cast<std::uint32_t>(wishes.max_fragment);
  setup.lifetime = limits_.max_duration;
  setup.state = wishes.hello ? &wants_hello : nullptr;
  server_.upgrade(exchange, setup);
}

void WebSocketEcho::on_open(WebSocket& socket) {
  if (socket.state() == &wants_hello) socket.send_text(socket_json(socket.connection()));
}

void WebSocketEcho::on_message(WebSocket& socket, MessageKind kind, Bytes message) {
  if (kind == MessageKind::kText) {
    socket.send_text(message);
  } else {
    socket.send_binary(message);
  }
}

}  // namespace polyport::services::http
