// The reader of endpoints. From the outside in: transport, then a unix path or host and ports; each
// step refuses what it cannot read with a sentence about exactly that.
#include "core/ports/endpoint.h"

#include <algorithm>
#include <array>

#include "core/base/text.h"
#include "core/ports/host_name.h"
#include "core/ports/port_number.h"
#include "core/ports/unix_path.h"
#include "core/socket/address.h"

namespace polyport {
namespace {

constexpr std::size_t kLongestEndpoint = 512;
constexpr int kMaxPort = 65535;
constexpr std::array<std::string_view, kAllTransports.size()> kTransportNames = {
    "tcp", "udp", "unix", "tls", "ws", "wss"};
constexpr std::string_view kExample = "write host:port, for example localhost:8080";

tl::unexpected<Error> bad(std::string what, std::string hint = {}) {
  return failure(ErrorCode::kBadValue, std::move(what), {}, std::move(hint));
}

std::string show(std::string_view text) {
  return quoted(text, 60);
}

bool is_space_or_control(char letter) {
  return (letter >= 0 && letter <= ' ') || letter == 0x7F;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// --- the transport

// The endpoint inside a URL: without its path, and with the port that the scheme implies.
std::string bare_endpoint(std::string_view rest, std::string_view default_port) {
  const std::string_view bare = rest.substr(0, rest.find_first_of("/?#"));
  if (bare.empty()) return "localhost:8080";
  const bool has_port = bare.find(':', bare.rfind(']') + 1) != std::string_view::npos;
  return printable(bare, 60) + (has_port ? "" : ":" + std::string(default_port));
}

tl::unexpected<Error> unknown_transport(std::string_view word, std::string_view rest) {
  const std::string lowered = to_lower(word);
  if (lowered == "http" || lowered == "https") {
    const bool plain = lowered == "http";
    return bad("an endpoint has no " + lowered + "://",
               "write " +
                   (plain ? "the bare endpoint " + bare_endpoint(rest, "80")
                          : "tls://" + bare_endpoint(rest, "443")) +
                   "; the type of the service decides what is spoken");
  }
  std::string hint = did_you_mean(lowered, kTransportNames);
  if (hint.empty()) {
    hint = "tcp, tls, ws, wss, udp and unix are known; without one the service's own is taken";
  }
  return bad("unknown transport " + show(word), hint);
}

struct Split {
  Transport transport;
  std::string_view rest;
};

Result<Split> split_transport(std::string_view text, Transport fallback) {
  if (text.starts_with("unix:")) return Split{Transport::kUnix, text.substr(5)};
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) {
    for (const std::string_view word : kTransportNames) {
      const bool colon = text.starts_with(std::string(word) + ":");
      if (!colon && !text.starts_with(std::string(word) + "//")) continue;
      std::string_view rest = text.substr(word.size() + (colon ? 1 : 0));
      rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
      const std::string slashes = word == "unix" ? ":///" : "://";
      return bad("the transport in " + show(text) + " lacks its " + (colon ? "//" : "colon"),
                 "write " + std::string(word) + slashes + printable(rest, 60));
    }
    return Split{fallback, text};
  }
  const std::string_view word = text.substr(0, mark);
  const std::string_view rest = text.substr(mark + 3);
  for (const Transport transport : kAllTransports) {
    if (transport != Transport::kUnix && word == name(transport)) return Split{transport, rest};
  }
  return unknown_transport(word, rest);
}

// --- ports

// A host with the colon that its port follows.
std::string before_port(std::string_view host) {
  const bool needs_brackets = host.find(':') != std::string_view::npos;
  return needs_brackets ? "[" + printable(host, 60) + "]:" : printable(host, 60) + ":";
}

Result<std::uint16_t> read_port(std::string_view text, std::string_view host) {
  if (text.empty()) {
    return bad("the port is missing",
               "write it after the colon, for example " + before_port(host) + "8080");
  }
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    return bad("an endpoint has no path, and " + show(text.substr(slash)) + " follows the port",
               "write " + before_port(host) + printable(text.substr(0, slash), 20));
  }
  return parse_port(text);
}

// "first-last" or "first-last/step" into `endpoint`; `dash` is where the dash stands.
Result<Endpoint> parse_range(std::string_view text, std::size_t dash, Endpoint endpoint) {
  const std::size_t slash = text.find('/', dash);
  const auto first = read_port(text.substr(0, dash), endpoint.host);
  if (!first) return tl::unexpected(first.error());
  const std::string_view last_text = text.substr(dash + 1, slash - dash - 1);
  if (last_text.empty()) {
    return bad("the port range " + show(text) + " has no end", "for example 9000-9009");
  }
  const auto last = read_port(last_text, endpoint.host);
  if (!last) return tl::unexpected(last.error());
  int step = 1;
  if (slash != std::string_view::npos) {
    const std::string_view step_text = text.substr(slash + 1);
    const auto number = parse_number<int>(step_text, 0, kMaxPort);
    if (!number) {
      return bad("the step " + show(step_text) + " of a port range is not a number from 1 to 65535",
                 "for example 9000-9900/100");
    }
    step = *number;
  }
  const std::string ends = std::to_string(*first) + "-" + std::to_string(*last);
  if (step == 0) return bad("the step of the port range " + ends + " is 0", "leave out /0");
  if (*first > *last) {
    return bad("the port range " + ends + " runs backwards",
               "write " + std::to_string(*last) + "-" + std::to_string(*first));
  }
  if (*first == 0 && *last != 0) {
    return bad("a port range cannot begin with 0, which asks the system for any free port",
               "begin with 1, or write the port 0 alone");
  }
  const int count = (*last - *first) / step + 1;
  if (count > static_cast<int>(kMaxPortsInRange)) {
    return bad("the port range " + ends + " has " + std::to_string(count) + " ports, " +
                   std::to_string(kMaxPortsInRange) + " are allowed",
               "take a step, for example " + ends + "/" +
                   std::to_string((*last - *first) / static_cast<int>(kMaxPortsInRange) + 1));
  }
  endpoint.first_port = *first;
  endpoint.last_port = *last;
  endpoint.step = static_cast<std::uint16_t>(step);
  return endpoint;
}

Result<Endpoint> parse_ports(std::string_view text, Endpoint endpoint) {
  // A dash at the very start is a sign.
  const std::size_t dash = text.find('-', 1);
  if (dash != std::string_view::npos && is_digit(text.front())) {
    return parse_range(text, dash, std::move(endpoint));
  }
  const auto port = read_port(text, endpoint.host);
  if (!port) return tl::unexpected(port.error());
  endpoint.first_port = endpoint.last_port = *port;
  return endpoint;
}

// --- host and ports

tl::unexpected<Error> brackets_missing(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view before = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool address_before = Address::parse_ip(before).has_value();
  if (address_before && all_digits(port)) {
    return bad("an IPv6 address needs brackets before its port: " + show(text),
               "write [" + std::string(before) + "]:" + printable(port, 20));
  }
  if (Address::parse_ip(text)) {
    return bad("an IPv6 address needs brackets and a port: " + show(text),
               "write [" + std::string(text) + "]:8080");
  }
  return bad("too many colons in " + show(text),
             "host:port has one; an IPv6 address stands in brackets, as in [::1]:8080");
}

tl::unexpected<Error> port_missing(std::string_view text) {
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with('@')) {
    const std::string_view mark = text.starts_with('/') ? "unix://" : "unix:";
    return bad(show(text) + " has no port",
               "a unix socket is written " + std::string(mark) + printable(text, 60));
  }
  if (text.find('/') != std::string_view::npos) {
    return bad(show(text) + " has no port, and an endpoint has no path", std::string(kExample));
  }
  // A colon of another script looks like ours.
  if (const Bytes letter = first_beyond_ascii(text); !letter.empty()) {
    return bad(show(text) + " has a character that no endpoint has: " + quoted(letter),
               "a plain colon stands before the port, as in localhost:8080");
  }
  return bad(show(text) + " has no port", "for example " + printable(text, 60) + ":8080");
}

Result<Endpoint> parse_bracketed(std::string_view text, Endpoint endpoint) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) {
    return bad("the bracket of " + show(text) + " is not closed", "for example [::1]:8080");
  }
  auto host = check_bracketed_host(text.substr(1, close - 1));
  if (!host) return tl::unexpected(host.error());
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) return port_missing(text);
  if (rest.front() != ':') {
    return bad("a colon and the port must follow the bracket, not " + show(rest),
               "for example [" + *host + "]:8080");
  }
  endpoint.host = *std::move(host);
  return parse_ports(rest.substr(1), std::move(endpoint));
}

Result<Endpoint> parse_host_and_ports(std::string_view text, Endpoint endpoint) {
  if (text.empty()) return bad("the endpoint has no host and no port", std::string(kExample));
  if (text.front() == '[') return parse_bracketed(text, std::move(endpoint));
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    const bool only_ports = text.find_first_not_of("0123456789-/") == std::string_view::npos;
    if (!only_ports || text.front() == '/') return port_missing(text);
    endpoint.host = "localhost";
    return parse_ports(text, std::move(endpoint));
  }
  const std::string_view host_text = text.substr(0, colon);
  if (text.find(':', colon + 1) != std::string_view::npos) return brackets_missing(text);
  if (host_text.empty()) {
    const std::string ports = printable(text, 20);
    return bad(show(text) + " has no host",
               "localhost" + ports + " is this machine only, *" + ports + " is every address");
  }
  auto host = check_host(host_text);
  if (!host) return tl::unexpected(host.error());
  endpoint.host = *std::move(host);
  return parse_ports(text.substr(colon + 1), std::move(endpoint));
}

// What is wrong with a text before any part of it is looked at.
Result<void> check_letters(std::string_view text, bool is_path) {
  const std::string_view spaceless = is_path ? trim(text) : text;
  if (trim(text).empty() || spaceless.size() != text.size() ||
      (!is_path && std::any_of(text.begin(), text.end(), is_space_or_control))) {
    return bad("the endpoint " + show(text) + " has a space or a control character in it",
               "an endpoint has none: " + std::string(kExample));
  }
  if (!is_path && text.find(',') != std::string_view::npos) {
    return bad("the endpoint " + show(text) + " has a comma in it",
               "several endpoints are a list, as in [\"localhost:8080\", \"localhost:8081\"]");
  }
  return {};
}

}  // namespace

std::string_view name(Transport transport) {
  return kTransportNames[static_cast<std::size_t>(transport)];
}

std::vector<std::uint16_t> Endpoint::ports() const {
  std::vector<std::uint16_t> all;
  if (transport == Transport::kUnix) return all;
  // In int, because last_port + step may be over 65535.
  for (int port = first_port; port <= last_port; port += std::max<int>(step, 1)) {
    all.push_back(static_cast<std::uint16_t>(port));
  }
  return all;
}

std::string Endpoint::text() const {
  if (transport == Transport::kUnix) return (path.starts_with('/') ? "unix://" : "unix:") + path;
  const bool needs_brackets = host.find(':') != std::string::npos;
  std::string text(name(transport));
  text += "://" + (needs_brackets ? "[" + host + "]" : host) + ":" + std::to_string(first_port);
  if (first_port != last_port) text += "-" + std::to_string(last_port);
  if (first_port != last_port && step != 1) text += "/" + std::to_string(step);
  return text;
}

Result<Endpoint> parse_endpoint(std::string_view text, Transport fallback) {
  if (text.empty()) return bad("the endpoint is empty", std::string(kExample));
  if (text.size() > kLongestEndpoint) {
    return bad("the endpoint is " + std::to_string(text.size()) + " bytes long, " +
               std::to_string(kLongestEndpoint) + " are possible");
  }
  if (text.front() == '"' || text.front() == '\'') {
    const std::string_view inner = text.substr(1, text.find(text.front(), 1) - 1);
    return bad("the endpoint " + show(text) + " has quotes in it",
               "write " + printable(inner, 60) + ", without them");
  }
  const auto split = split_transport(text, fallback);
  if (!split) return tl::unexpected(split.error());
  const bool is_path = split->transport == Transport::kUnix;
  if (auto letters = check_letters(text, is_path); !letters) {
    return tl::unexpected(std::move(letters.error()));
  }
  Endpoint endpoint;
  endpoint.transport = split->transport;
  if (!is_path) return parse_host_and_ports(split->rest, std::move(endpoint));
  return check_unix_path(split->rest).map([&](std::string&& path) {
    endpoint.path = std::move(path);
    return endpoint;
  });
}

}  // namespace polyport
